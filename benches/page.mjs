// How soon the page answers to its reader, over a million names: milliseconds from the request of the document until
// the tree of names, or the table of hosts, is shown and takes the keyboard, and from a word that is typed until its
// matches are shown.
//
//     PLUMBAGO_BIN=target/release/plumbago node benches/page.mjs [HOSTS] [ROUNDS]
//
// Needs Chromium (PLUMBAGO_CHROMIUM, or /usr/bin/chromium) and `npm ci` in tests/browser. HOSTS of 1 000 names each are
// sent first, 1 000 of them if it is left out; no archives are made, so that a million names fit anywhere. "cold" is a
// browser that knows nothing of the page yet, "warm" one that has its files.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const here = import.meta.dirname;
const { chromium } = createRequire(join(here, "../tests/browser/page.mjs"))("playwright-core");
const [hosts, rounds] = [Number(process.argv[2] || 1000), Number(process.argv[3] || 9)];
const folder = mkdtempSync(join(tmpdir(), "plumbago-page-"));
const OWN = ["loadavg.01", "cpu.total.user", "cpu.total.idle", "memory.MemTotal", "memory.MemAvailable"];

/** Starts the server on ports of its own; gives where it listens. */
async function serve() {
  const config = join(folder, "plumbago.toml");
  // One archive a minute: what is measured are names, not the making of files.
  writeFileSync(config, "[store]\ncreates-per-minute = 1\n");
  const program = process.env.PLUMBAGO_BIN || join(here, "../target/release/plumbago");
  const child = spawn(program, ["up", "--no-agent", "--config", config, "--data", join(folder, "data"), "--http", "127.0.0.1:0", "--plaintext", "127.0.0.1:0"]);
  child.on("error", (error) => { throw error; });
  let told = "";
  return new Promise((resolve, reject) => {
    const hear = (bytes) => {
      told += bytes;
      const [http, plaintext] = [/http:\/\/([\d.]+:\d+)/, /plaintext\D*([\d.]+:\d+)/].map((form) => form.exec(told)?.[1]);
      if (http && plaintext) resolve({ child, http: `http://${http}`, plaintext });
    };
    child.stdout.on("data", hear);
    child.stderr.on("data", hear);
    child.on("exit", () => reject(new Error(`the server has ended: ${told}`)));
  });
}

/** A point of each name, now. */
async function fill(address) {
  const [host, port] = address.split(":");
  const socket = connect(Number(port), host);
  const now = Math.floor(Date.now() / 1000);
  for (let at = 0; at < hosts; at += 1) {
    const name = (rest) => `servers.host${String(at).padStart(4, "0")}.${rest} ${at % 7} ${now}\n`;
    const others = Array.from({ length: 1000 - OWN.length }, (_, n) => name(`part${Math.floor(n / 20)}.value${n % 20}`));
    if (!socket.write([...OWN.map(name), ...others].join(""))) await new Promise((done) => socket.once("drain", done));
  }
  await new Promise((done) => socket.end(done));
}

async function known(base) {
  for (;;) {
    const text = await (await fetch(`${base}/metrics`)).text();
    const count = Number(/^plumbago_index_names (\d+)/m.exec(text)?.[1] ?? 0);
    if (count >= hosts * 1000) return;
    await new Promise((done) => setTimeout(done, 200));
  }
}

/** Notes in the page when what `selector` means is there for the first time, and can be reached by keys. */
const watch = (selector) => {
  const look = () => {
    if (globalThis.shownAt === undefined && document.querySelector(selector)) globalThis.shownAt = performance.now();
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true });
};

async function opened(context, url, selector) {
  const page = await context.newPage();
  await page.addInitScript(watch, selector);
  await page.goto(url);
  await page.waitForFunction(() => globalThis.shownAt !== undefined);
  return [page, await page.evaluate(() => globalThis.shownAt)];
}

async function searched(page, word) {
  await page.evaluate(() => {
    globalThis.foundAt = undefined;
    const state = document.querySelector(".tree-state");
    document.querySelector(".sidebar input").addEventListener("input", () => (globalThis.typedAt = performance.now()));
    new MutationObserver(() => {
      if (/match/.test(state.textContent)) globalThis.foundAt ??= performance.now();
    }).observe(state, { childList: true, characterData: true, subtree: true });
  });
  await page.getByRole("searchbox").fill(word);
  await page.waitForFunction(() => globalThis.foundAt !== undefined);
  return page.evaluate(() => globalThis.foundAt - globalThis.typedAt);
}

const server = await serve();
const browser = await chromium.launch({ executablePath: process.env.PLUMBAGO_CHROMIUM || "/usr/bin/chromium", args: ["--no-sandbox", "--disable-gpu"] });
const taken = {};
const take = (name, value) => (taken[name] ||= []).push(value);
try {
  await fill(server.plaintext);
  await known(server.http);
  for (let round = 0; round < rounds; round += 1) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    for (const state of ["cold", "warm"]) {
      const [explorer, tree] = await opened(context, `${server.http}/explore`, "[role=treeitem]");
      take(`tree of names, ${state}`, tree);
      take(`search for "host0042 value7", ${state}`, await searched(explorer, "host0042 value7"));
      await explorer.close();
      const [start, table] = await opened(context, `${server.http}/`, "table.rows th a");
      take(`table of hosts, ${state}`, table);
      await start.close();
    }
    await context.close();
  }
  for (const [name, values] of Object.entries(taken)) {
    values.sort((a, b) => a - b);
    const [least, middle, most] = [values[0], values[values.length >> 1], values.at(-1)].map((value) => value.toFixed(0));
    console.log(`${name}: ${middle} ms (${least} to ${most})`);
  }
} finally {
  await browser.close();
  server.child.kill();
  await new Promise((done) => server.child.once("exit", done));
  rmSync(folder, { recursive: true });
}
