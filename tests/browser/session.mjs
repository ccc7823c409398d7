// A browser that watches over the page: no fault, no console error, no outside request, nothing that axe finds.
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

/** Opens the browser at `executablePath` for the server at `base`; pictures of steps go into a folder, if one is named. */
export async function session(base, executablePath, pictures) {
  const browser = await chromium.launch({ executablePath, args: quiet });
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light" });
  context.setDefaultTimeout(30_000);
  const wrong = [];
  // Refusals that a step asks for are no mistakes of the page.
  const refusals = new Set();

  function watch(page) {
    page.on("console", (message) => {
      if (message.type() !== "error") return;
      const { url } = message.location();
      if ([...refusals].some((path) => url.includes(path))) return;
      wrong.push(`console: ${message.text()} ${url}`);
    });
    page.on("pageerror", (error) => wrong.push(`fault: ${error.stack}`));
    page.on("request", (request) => {
      if (!request.url().startsWith(base) && !request.url().startsWith("data:")) wrong.push(`outside request: ${request.url()}`);
    });
    page.on("dialog", (dialog) => {
      if (dialog.type() !== "confirm") wrong.push(`dialog: ${dialog.message()}`);
      dialog.accept();
    });
  }
  context.on("page", watch);
  const page = await context.newPage();

  async function step(name, run) {
    try {
      await run();
      if (pictures) await page.screenshot({ path: `${pictures}/${name.replaceAll(" ", "-")}.png` });
      console.log(`ok ${name}`);
    } catch (error) {
      if (pictures) await page.screenshot({ path: `${pictures}/failed.png` });
      console.log(`FAILED ${name} at ${page.url()}\n${error.stack}\n${wrong.join("\n")}`);
      process.exit(1);
    }
  }

  /** No fault that axe finds in what is shown now. */
  async function accessible() {
    await page.evaluate(axe);
    const { violations } = await page.evaluate(() => globalThis.axe.run(document, { resultTypes: ["violations"] }));
    const told = violations.map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map(({ html }) => html).join(" | ")}`);
    assert.deepEqual(told, []);
  }

  async function end() {
    assert.deepEqual(wrong, []);
    await browser.close();
    console.log("all is well");
  }
  return { context, page, refusals, step, accessible, end };
}
