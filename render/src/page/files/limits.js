// Lines across a chart where its values become a warning or an alarm.
import { levelColor } from "./colors.js";

/** Draws `limits`, pairs of a value and its level, on what uPlot has drawn. */
export function drawLimits(plot, limits = []) {
  const { ctx, bbox } = plot;
  for (const [value, level] of limits) {
    const y = Math.round(plot.valToPos(value, "y", true)) + 0.5;
    if (!(y >= bbox.top && y <= bbox.top + bbox.height)) continue;
    ctx.save();
    ctx.strokeStyle = levelColor(level);
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([6 * devicePixelRatio, 4 * devicePixelRatio]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
    ctx.restore();
  }
}
