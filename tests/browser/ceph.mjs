// Looks at a real Ceph on its dashboard. Run by tests/it/ceph_on_page.rs: node ceph.mjs ADDRESS CHROMIUM PICTURES where
// ADDRESS is that of a server whose agent watches a cluster of three monitors and two OSDs under some load.
import assert from "node:assert/strict";
import { session } from "./session.mjs";

const [base, browserPath, pictures] = process.argv.slice(2);
const { page, step, accessible, end } = await session(base, browserPath, pictures);

const panel = (title) => page.getByRole("group", { name: title, exact: true });
const figure = (title) => panel(title).locator(".big");

await step("the dashboard of Ceph is in the list", async () => {
  await page.goto(`${base}/`);
  await page.getByRole("button", { name: "Dashboards" }).click();
  await page.getByRole("link", { name: "Ceph", exact: true }).click();
  await page.waitForURL(/board\/ceph/);
  await page.getByRole("button", { name: "Cluster: ceph" }).waitFor();
});

await step("numbers of the cluster are there", async () => {
  await page.goto(`${base}/board/ceph?from=-10min&refresh=1`);
  // A cluster that has just begun may still warn.
  await figure("Health").filter({ hasText: /OK|warning/ }).waitFor();
  for (const title of ["Monitors missing", "OSDs down", "OSDs out", "PGs not clean"]) await figure(title).filter({ hasText: /^0$/ }).waitFor();
  await figure("Space used").filter({ hasText: "%" }).waitFor();
});

await step("every panel shows something or says why not", async () => {
  const all = await page.locator(".panel").all();
  assert.ok(all.length > 15, `${all.length} panels`);
  const bare = [];
  for (const one of all) {
    await one.scrollIntoViewIfNeeded();
    await one.locator("canvas, tbody tr, .big, .chart-note:visible").first().waitFor();
    const note = one.locator(".chart-note:visible, .hint.bad, .table-tools .hint:not(:empty)");
    if (await note.count()) bare.push(`${await one.getAttribute("aria-label")}: ${(await note.allTextContents()).join(" ")}`);
  }
  // A cluster that is well has no check that fails.
  assert.deepEqual(bare.filter((words) => !words.endsWith("No health check has failed in this time range.")), []);
  await page.getByRole("rowheader", { name: "bench" }).waitFor();
  for (const name of ["0", "1"]) await panel("OSDs").getByRole("rowheader", { name, exact: true }).waitFor();
  await page.evaluate(() => scrollTo(0, 0));
  await accessible();
});

await step("dark grounds are as readable", async () => {
  await page.getByRole("button", { name: "Dark theme" }).click();
  await accessible();
});

await end();
