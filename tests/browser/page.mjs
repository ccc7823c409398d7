// Drives the page as a user does. Run by tests/it/page_in_browser.rs: node page.mjs ADDRESS TOKEN CHROMIUM PICTURES
// where ADDRESS is that of a server with three hosts and the dashboards `hostile` and `broken`. Pictures are kept if a folder is named.
import assert from "node:assert/strict";
import { isDeepStrictEqual } from "node:util";
import { session } from "./session.mjs";

const [base, token, browserPath, pictures] = process.argv.slice(2);
const { context, page, refusals, step, accessible, end } = await session(base, browserPath, pictures);

const series = (name) => page.locator(".legend tbody th", { hasText: name });
const address = () => new URL(page.url()).searchParams;

await step("the start shows the hosts", async () => {
  await page.goto(`${base}/`);
  await page.getByRole("link", { name: "web01", exact: true }).waitFor();
  await page.getByText("silent").first().waitFor();
  await accessible();
});

await step("a host leads to its dashboard", async () => {
  await page.getByRole("link", { name: "web01", exact: true }).click();
  await page.waitForURL(/board\/host\?host=web01/);
  await page.getByRole("button", { name: "Host: web01" }).waitFor();
  await page.locator(".panel-chart canvas").first().waitFor();
  await accessible();
});

await step("a search finds and graphs", async () => {
  await page.getByRole("link", { name: "Explore", exact: true }).click();
  await page.getByRole("treeitem", { name: "servers" }).waitFor();
  await page.locator("body").press("/");
  await page.keyboard.type("WEB loadavg");
  const found = page.getByRole("treeitem", { name: "servers.web02.loadavg" }).first();
  await found.waitFor();
  await found.press("ArrowRight");
  const leaf = page.getByRole("treeitem", { name: "01", exact: true });
  await leaf.click();
  await series("servers.web02.loadavg.01").waitFor();
  assert.deepEqual(address().getAll("target"), ["servers.web02.loadavg.01"]);
  assert.equal(await leaf.getAttribute("aria-selected"), "true");
  await page.locator(".chart canvas").waitFor();
  await accessible();
});

await step("the tree goes by keys", async () => {
  await page.getByRole("searchbox", { name: "Search metrics" }).fill("");
  const top = page.getByRole("treeitem", { name: "servers", exact: true });
  await top.waitFor();
  await top.press("ArrowRight");
  await page.getByRole("treeitem", { name: "web01" }).waitFor();
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.evaluate(() => document.activeElement.getAttribute("aria-level")), "2");
  await page.keyboard.press("ArrowLeft");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "servers");
  await page.keyboard.press("ArrowLeft");
  assert.equal(await top.getAttribute("aria-expanded"), "false");
});

await step("dragging zooms and the way back leads back", async () => {
  const box = await page.locator(".u-over").boundingBox();
  await page.mouse.move(box.x + box.width * 0.5, box.y + 60);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width * 0.9, box.y + 80, { steps: 6 });
  await page.mouse.up();
  await page.waitForURL(/from=\d{9,}/);
  const span = Number(address().get("until")) - Number(address().get("from"));
  assert.ok(Math.abs(span - 1440) < 60, `0.4 of an hour, not ${span} s`);
  await page.goBack();
  await page.waitForURL(/from=-1h/);
  await page.getByRole("button", { name: "Last 1 hour" }).waitFor();
});

await step("the time picker takes quick ranges and text", async () => {
  await page.getByRole("button", { name: "Last 1 hour" }).click();
  await page.getByRole("button", { name: "15 minutes" }).click();
  await page.waitForURL(/from=-15min/);
  await page.getByRole("button", { name: "Last 15 minutes" }).click();
  const told = page.getByRole("dialog", { name: "Time range" }).getByRole("alert");
  refusals.add("/render");
  await page.getByLabel("From, as text").fill("-2 fortnights");
  await page.getByRole("button", { name: "Apply" }).click();
  await told.filter({ hasText: "fortnights" }).waitFor();
  refusals.clear();
  await page.getByLabel("From, as text").fill("midnight-1d");
  await page.getByLabel("Time zone").fill("Middle/Earth");
  await page.getByRole("button", { name: "Apply" }).click();
  await told.filter({ hasText: "Middle/Earth" }).waitFor();
  await page.getByLabel("Time zone").fill("Europe/Berlin");
  await accessible();
  await page.getByRole("button", { name: "Apply" }).click();
  await page.waitForURL(/from=midnight-1d.*tz=Europe/);
  await series("servers.web02.loadavg.01").waitFor();
  await page.goBack();
  await page.waitForURL(/from=-15min/);
});

await step("a function goes around a target", async () => {
  await page.getByRole("button", { name: "Put a function around it" }).click();
  await page.getByRole("searchbox", { name: "Search functions" }).fill("movingAverage");
  await page.getByLabel("windowSize").fill("5");
  await accessible();
  await page.getByRole("dialog").getByRole("button", { name: "Apply" }).click();
  await series("movingAverage(servers.web02.loadavg.01,5)").waitFor();
  assert.deepEqual(address().getAll("target"), ["movingAverage(servers.web02.loadavg.01,5)"]);
  await page.getByRole("button", { name: "Take the outermost function away" }).click();
  await series("servers.web02.loadavg.01").waitFor();
});

await step("names and functions are proposed", async () => {
  const target = page.getByRole("textbox", { name: "Target 1" });
  await target.fill("sum");
  await page.getByRole("option", { name: "sumSeries(", exact: true }).waitFor();
  await target.fill("servers.web03.mem");
  await page.getByRole("option", { name: "servers.web03.memory.", exact: true }).waitFor();
  await accessible();
  await target.press("ArrowDown");
  await target.press("Enter");
  await page.getByRole("option", { name: "servers.web03.memory.MemTotal", exact: true }).click();
  assert.equal(await target.inputValue(), "servers.web03.memory.MemTotal");
  await target.fill("servers.web02.loadavg.01");
  await target.press("Escape");
  await target.press("Enter");
  await series("servers.web02.loadavg.01").waitFor();
});

await step("a wrong target is told where it is", async () => {
  refusals.add("/render");
  await page.getByRole("button", { name: "Add target" }).click();
  await page.getByRole("textbox", { name: "Target 2" }).fill("scael(servers.web01.loadavg.01,2)");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").filter({ hasText: "scael" }).waitFor();
  await series("servers.web02.loadavg.01").waitFor();
  await accessible();
  await page.getByRole("button", { name: "Remove" }).nth(1).click();
  await page.getByRole("button", { name: "Switch off" }).click();
  await page.getByText("All targets are switched off.").waitFor();
  await page.getByRole("button", { name: "Switch on" }).click();
  await series("servers.web02.loadavg.01").waitFor();
  refusals.clear();
});

await step("addresses to copy answer", async () => {
  await page.getByText("Addresses to copy").click();
  for (const [name, kind] of [["Picture", "image/png"], ["JSON", "application/json"], ["CSV", "text/csv"]]) {
    const answer = await context.request.get(await page.getByLabel(`${name} address`).inputValue());
    assert.equal(answer.status(), 200);
    assert.ok(answer.headers()["content-type"].startsWith(kind), name);
  }
});

await step("a dashboard is made and saved with a token", async () => {
  await page.getByRole("button", { name: "Dashboards" }).click();
  await page.getByRole("link", { name: "New dashboard" }).click();
  await page.getByRole("button", { name: "Add panel" }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByLabel("Title").fill("Load of all");
  const targets = dialog.getByLabel("Targets, one a line");
  await targets.fill("servers.web03.mem");
  await dialog.getByRole("option", { name: "servers.web03.memory.", exact: true }).waitFor();
  await targets.press("Escape");
  await targets.fill("aliasByNode(servers.*.loadavg.01,1)");
  await accessible();
  await dialog.getByRole("button", { name: "Apply" }).click();
  await page.locator(".panel canvas").waitFor();
  await page.getByRole("button", { name: "Save as" }).click();
  await dialog.getByLabel("Name in addresses").fill("load-of-all");
  await dialog.getByLabel("Token").fill("not-the-token-of-this-server");
  refusals.add("/dashboards/load-of-all");
  await dialog.getByRole("button", { name: "Save" }).click();
  await dialog.getByRole("alert").filter({ hasText: "token" }).waitFor();
  refusals.clear();
  await dialog.getByLabel("Token").fill(token);
  await dialog.getByRole("button", { name: "Save" }).click();
  await page.waitForURL(/board\/load-of-all$/);
  await page.getByRole("heading", { name: "Load of all" }).waitFor();
});

await step("it is there after a reload and can be changed", async () => {
  await page.reload();
  await page.locator(".legend-line").getByText("web03").waitFor();
  await page.getByRole("button", { name: "Edit dashboard" }).click();
  await page.getByRole("button", { name: "Settings" }).click();
  await page.getByRole("dialog").getByLabel("Title").fill("Loads");
  await page.getByRole("dialog").getByRole("button", { name: "Apply" }).click();
  await accessible();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("button", { name: "Edit dashboard" }).waitFor();
  await page.reload();
  await page.getByRole("heading", { level: 1, name: "Loads" }).waitFor();
  const kept = await context.request.get(`${base}/dashboards/load-of-all`);
  assert.equal((await kept.json()).rows[0].panels[0].title, "Load of all");
});

await step("the explorer adds to it and it can be deleted", async () => {
  await page.goto(`${base}/explore?target=servers.web01.memory.MemAvailable&unit=B`);
  await page.getByRole("button", { name: "Add to dashboard" }).click();
  await page.getByRole("dialog").getByLabel("Dashboard", { exact: true }).selectOption("load-of-all");
  await page.getByRole("dialog").getByLabel("Title of the chart").fill("Memory of one");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.getByRole("dialog").waitFor({ state: "detached" });
  await page.goto(`${base}/board/load-of-all`);
  await page.getByRole("heading", { name: "Memory of one" }).waitFor();
  await page.getByRole("button", { name: "Edit dashboard" }).click();
  await page.getByRole("button", { name: "Save as" }).click();
  await page.getByRole("dialog").getByLabel("Name in addresses").fill("for-a-moment");
  await page.getByRole("dialog").getByRole("button", { name: "Save" }).click();
  await page.waitForURL(/board\/for-a-moment$/);
  await page.getByRole("button", { name: "Edit dashboard" }).click();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
  await page.getByRole("link", { name: "web01", exact: true }).waitFor();
  assert.equal((await context.request.get(`${base}/dashboards/for-a-moment`)).status(), 404);
});

await step("a dashboard is changed without a mouse", async () => {
  await page.goto(`${base}/board/load-of-all?from=-30min`);
  await page.getByRole("button", { name: "Edit dashboard" }).press("Enter");
  const focus = () => page.evaluate(() => [document.activeElement.closest("[data-place]")?.dataset.place, document.activeElement.getAttribute("aria-label") || document.activeElement.textContent]);
  // It may come back a moment after what it comes back from is gone.
  const focused = async (expected, why) => {
    const until = Date.now() + 30_000;
    let found = await focus();
    while (!isDeepStrictEqual(found, expected) && Date.now() < until) found = await focus();
    assert.deepEqual(found, expected, why);
  };
  await page.getByRole("button", { name: "Move right" }).first().press("Enter");
  await focused(["panel-0-1", "Move left"], "the button of its name is off there");
  await page.getByRole("button", { name: "Move left" }).nth(1).press("Enter");
  await focused(["panel-0-0", "Move right"]);
  await page.getByRole("button", { name: "Wider" }).first().press("Enter");
  await focused(["panel-0-0", "Wider"]);
  await page.getByRole("button", { name: "Edit panel" }).first().press("Enter");
  await page.keyboard.press("Escape");
  await focused(["panel-0-0", "Edit panel"]);
  await page.keyboard.press("Enter");
  await page.getByRole("dialog").getByLabel("Title").fill("Load of every host");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Load of every host" }).waitFor();
  await focused(["panel-0-0", "Edit panel"]);
  for (const name of ["Settings", "JSON"]) {
    await page.getByRole("button", { name, exact: true }).press("Enter");
    await page.getByRole("dialog").waitFor();
    await accessible();
    await page.keyboard.press("Escape");
    await focused([undefined, name]);
  }
});

await step("two who change the same dashboard are told", async () => {
  const theirs = { title: "Theirs", rows: [{ panels: [{ kind: "text", title: "Not mine", text: "words" }] }] };
  const kept = await context.request.put(`${base}/dashboards/load-of-all`, { data: theirs, headers: { Authorization: `Bearer ${token}` } });
  assert.ok(kept.ok());
  refusals.add("/dashboards/load-of-all");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("alert").filter({ hasText: "Somebody else has changed" }).waitFor();
  await accessible();
  await dialog.getByRole("button", { name: "Save over theirs" }).click();
  await dialog.waitFor({ state: "detached" });
  refusals.clear();
  const saved = await (await context.request.get(`${base}/dashboards/load-of-all`)).json();
  assert.equal(saved.rows[0].panels[0].title, "Load of every host");
});

await step("a file that was changed elsewhere is shown without loading the page", async () => {
  const other = { title: "By another hand", rows: [{ panels: [{ kind: "text", title: "From an editor", text: "words" }] }] };
  await context.request.put(`${base}/dashboards/load-of-all`, { data: other, headers: { Authorization: `Bearer ${token}` } });
  await page.evaluate(() => {
    const now = Date.now;
    Date.now = () => now() + 60_000;
  });
  await page.getByRole("button", { name: "Refresh now" }).click();
  await page.getByRole("heading", { name: "From an editor" }).waitFor();
  await page.getByRole("heading", { level: 1, name: "By another hand" }).waitFor();
});

await step("a file that cannot be read is told", async () => {
  refusals.add("/dashboards/broken");
  await page.getByRole("button", { name: "Dashboards" }).click();
  await page.getByRole("link", { name: "broken broken" }).click();
  await page.getByRole("alert").filter({ hasText: "line" }).waitFor();
  await accessible();
  refusals.clear();
});

await step("a server that goes away and comes back", async () => {
  await page.goto(`${base}/explore?target=servers.web01.loadavg.01&refresh=0`);
  await series("servers.web01.loadavg.01").waitFor();
  refusals.add("/");
  await context.setOffline(true);
  await page.getByRole("button", { name: "Refresh now" }).click();
  await page.getByText("the server does not answer").first().waitFor();
  await context.setOffline(false);
  await page.getByRole("button", { name: "Refresh now" }).click();
  await page.locator(".chart-note:visible").waitFor({ state: "detached" });
  refusals.clear();
});

await step("a hidden tab asks for nothing", async () => {
  const other = await context.newPage();
  await other.clock.install();
  await other.goto(`${base}/explore?target=servers.web01.loadavg.01&refresh=5`);
  await other.locator(".legend tbody th").waitFor();
  let asked = 0;
  other.on("request", (request) => (asked += request.url().includes("/render")));
  const show = (hidden) => other.evaluate((hidden) => {
    Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await show(true);
  await other.clock.runFor(60_000);
  assert.equal(asked, 0);
  const again = other.waitForRequest(/render/);
  await show(false);
  await again;
  await other.close();
});

await step("charts draw as functions say", async () => {
  await page.goto(`${base}/explore`);
  const marked = "color(dashed(servers.web01.loadavg.01),'red')";
  await page.goto(`${base}/explore?${new URLSearchParams({ target: marked, lineMode: "staircase", title: "Kept" })}`);
  const swatch = page.locator(".legend tbody .swatch");
  await swatch.waitFor();
  assert.equal(await swatch.evaluate((mark) => getComputedStyle(mark).backgroundColor), "rgb(200, 0, 50)");
  await page.getByText("Addresses to copy").click();
  const copied = new URL(await page.getByLabel("Picture address").inputValue()).searchParams;
  assert.deepEqual([copied.get("target"), copied.get("lineMode"), copied.get("title")], [marked, "staircase", "Kept"]);
});

await step("a dashboard of Grafana is taken over", async () => {
  const grafana = { title: "From elsewhere", schemaVersion: 39, panels: [
    { id: 1, type: "timeseries", title: "Taken", gridPos: { x: 0, y: 0, w: 12, h: 8 }, targets: [{ refId: "A", target: "servers.web01.loadavg.01" }] },
    { id: 2, type: "nodeGraph", title: "Not known", gridPos: { x: 12, y: 0, w: 12, h: 8 } }] };
  await page.getByRole("button", { name: "Dashboards" }).click();
  await page.getByRole("button", { name: "Import a dashboard" }).click();
  await page.getByLabel("Dashboard to import").fill(JSON.stringify(grafana));
  await accessible();
  await page.getByRole("dialog").getByRole("button", { name: "Import" }).click();
  await page.getByRole("heading", { name: "Taken" }).waitFor();
  await page.getByText("Left out of what was imported").waitFor();
  await accessible();
});

await step("a dashboard of graphite-web is taken over", async () => {
  const state = { name: "Old friends", timeConfig: { type: "relative", relativeStartUnits: "hours", relativeStartQuantity: "2", relativeUntilUnits: "now", relativeUntilQuantity: "" },
    graphs: [["target=servers.web01.loadavg.01", { target: ["servers.web01.loadavg.01"], title: "Load, as it was" }, "/render?x"], ["", {}, ""]] };
  await page.getByRole("button", { name: "Dashboards" }).click();
  await page.getByRole("button", { name: "Import a dashboard" }).click();
  await page.getByLabel("Dashboard to import").fill(JSON.stringify({ state }));
  await page.getByRole("dialog").getByRole("button", { name: "Import" }).click();
  await page.getByRole("heading", { name: "Load, as it was" }).waitFor();
  await page.getByText("graph 2: it has no targets").waitFor();
});

await step("rows, panels and windows as others have them", async () => {
  const taken = {
    title: "Repeated",
    variables: [{ name: "host", query: "servers.*", node: 1, all: true, regex: "/^web(\\d+)$/" }],
    rows: [
      { panels: [{ kind: "chart", title: "All of them", targets: ["servers.web$host.loadavg.01"] }] },
      { title: "Host $host", repeat: "host", panels: [
        { kind: "chart", title: "Load of web$host", targets: ["servers.web$host.loadavg.01"], warn: 1, alarm: 2 },
        { kind: "number", title: "Most", reduce: "max", targets: ["scale(servers.web$host.loadavg.01,0.5)"] }] },
      { panels: [{ kind: "chart", title: "A week", from: "-7d", targets: ["servers.web01.loadavg.01"] }] }],
  };
  const kept = await context.request.put(`${base}/dashboards/repeated`, { data: taken, headers: { Authorization: `Bearer ${token}` } });
  assert.deepEqual((await kept.json()).remarks, []);
  const asked = page.waitForRequest((request) => request.url().includes("from=-7d"));
  // All that the expression finds is less than everything.
  const all = page.waitForRequest((request) => decodeURIComponent(request.url()).includes("servers.web{01,02,03}.loadavg.01"));
  await page.goto(`${base}/board/repeated`);
  for (const host of ["01", "02", "03"]) await page.getByRole("heading", { name: `Host ${host}` }).waitFor();
  await page.getByRole("heading", { name: "Load of web02" }).waitFor();
  await page.getByRole("group", { name: "Load of web03" }).getByRole("button", { name: "servers.web03.loadavg.01" }).waitFor();
  await all;
  await page.getByText("last 7d").waitFor();
  await page.getByText("last 7d").scrollIntoViewIfNeeded();
  await asked;
  await accessible();
  const picture = new URL(await page.getByRole("link", { name: "Picture of Load of web02" }).getAttribute("href")).searchParams;
  assert.deepEqual(picture.getAll("target"), ["servers.web02.loadavg.01", "threshold(1,'warn','orange')", "threshold(2,'alarm','red')"]);
  await page.getByRole("button", { name: "host: All" }).click();
  await page.getByRole("checkbox", { name: "02" }).check();
  await page.keyboard.press("Escape");
  await page.getByRole("heading", { name: "Host 01" }).waitFor({ state: "detached" });
  await page.getByRole("heading", { name: "Load of web02" }).waitFor();
  await page.getByRole("button", { name: "Edit dashboard" }).click();
  await page.getByRole("button", { name: "Edit panel" }).nth(2).click();
  const dialog = page.getByRole("dialog");
  assert.equal(await dialog.getByLabel("Shown is").inputValue(), "max");
  await dialog.getByLabel("Shown is").selectOption("total");
  await dialog.getByLabel("Said when there is nothing to show").fill("Nothing yet");
  await accessible();
  await dialog.getByRole("button", { name: "Apply" }).click();
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("button", { name: "Edit dashboard" }).waitFor();
  const saved = await (await context.request.get(`${base}/dashboards/repeated`)).json();
  const [chart, number] = saved.rows[1].panels;
  assert.deepEqual([chart.alarm, number.reduce, number.empty, saved.rows[2].panels[0].from], [2, "total", "Nothing yet", "-7d"]);
});

await step("variables take several values", async () => {
  const several = {
    title: "Several", variables: [{ name: "host", label: "Host", query: "servers.*", node: 1, all: true }],
    rows: [{ panels: [{ kind: "chart", title: "Load of $host", targets: ["servers.$host.loadavg.01"] }] }],
  };
  const kept = await context.request.put(`${base}/dashboards/several`, { data: several, headers: { Authorization: `Bearer ${token}` } });
  assert.ok(kept.ok(), await kept.text());
  await page.goto(`${base}/board/several`);
  await page.getByRole("button", { name: "servers.web03.loadavg.01" }).waitFor();
  await page.getByRole("button", { name: "Host: All" }).click();
  await page.getByRole("checkbox", { name: "web01" }).check();
  await page.getByRole("button", { name: "servers.web03.loadavg.01" }).waitFor({ state: "detached" });
  await page.getByRole("checkbox", { name: "web02" }).check();
  await page.getByRole("button", { name: "servers.web02.loadavg.01" }).waitFor();
  await accessible();
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Host: web01, web02" }).waitFor();
  await page.getByRole("heading", { name: "Load of web01, web02" }).waitFor();
  assert.deepEqual(address().getAll("host"), ["web01", "web02"]);
});

await step("nothing that comes from outside is run", async () => {
  await page.goto(`${base}/board/hostile`);
  await page.getByText("<img src=x onerror=alert(1)>").first().waitFor();
  await page.getByRole("rowheader", { name: "web01" }).waitFor();
  assert.equal(await page.locator("main img, main script, main iframe").count(), 0);
  assert.equal(await page.locator("a[href^=javascript]").count(), 0);
});

await step("dark grounds are as readable", async () => {
  await page.goto(`${base}/board/host?host=web01`);
  await page.getByRole("button", { name: "Dark theme" }).click();
  await page.locator(".panel-chart canvas").first().waitFor();
  await accessible();
  await page.goto(`${base}/explore?target=servers.*.loadavg.01`);
  await series("servers.web01.loadavg.01").waitFor();
  await accessible();
  await page.goto(`${base}/`);
  await page.getByRole("link", { name: "web01", exact: true }).waitFor();
  await accessible();
});

await step("dialogs are as readable on dark grounds", async () => {
  const dialog = page.getByRole("dialog");
  const look = async () => {
    await dialog.first().waitFor();
    await accessible();
    await page.keyboard.press("Escape");
    await dialog.first().waitFor({ state: "hidden" });
  };
  await page.goto(`${base}/explore`);
  await page.getByRole("link", { name: "All hosts" }).waitFor();
  await accessible();
  await page.goto(`${base}/explore?target=servers.web01.loadavg.01`);
  await series("servers.web01.loadavg.01").waitFor();
  for (const name of ["Last 1 hour", "Put a function around it", "Add to dashboard"]) {
    await page.getByRole("button", { name }).click();
    await look();
  }
  await page.goto(`${base}/board/new?edit=1`);
  for (const name of ["Add panel", "Settings", "JSON", "Save as"]) {
    await page.getByRole("button", { name, exact: true }).click();
    await look();
  }
  await page.getByRole("button", { name: "Dashboards" }).click();
  await page.getByRole("button", { name: "Import a dashboard" }).click();
  await look();
});

await step("a phone shows all of it", async () => {
  await page.setViewportSize({ width: 360, height: 740 });
  for (const [path, seen] of [["/", "web01"], ["/board/host?host=web01", "CPU by state"], ["/explore?target=servers.*.loadavg.01", "servers.web01.loadavg.01"]]) {
    await page.goto(`${base}${path}`);
    await page.getByText(seen).first().waitFor();
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 360, `${path} is ${wide} pixels wide`);
    await accessible();
  }
});

await step("a dashboard that is not there is told", async () => {
  refusals.add("/dashboards/nowhere");
  await page.goto(`${base}/board/nowhere`);
  await page.getByRole("alert").waitFor();
});

await end();
