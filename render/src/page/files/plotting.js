// uPlot is a script of its own, which is fetched once a chart is to be drawn.

let coming;

/** Resolves once `uPlot` can be called; rejects when its file cannot be had, and tries again the next time. */
export function plotting() {
  coming ??= new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = new URL("uplot.js", import.meta.url);
    script.onload = resolve;
    script.onerror = () => {
      coming = undefined;
      script.remove();
      reject(new Error("the part of the page that draws charts cannot be had"));
    };
    document.head.append(script);
  });
  return coming;
}
