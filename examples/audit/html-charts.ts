/**
 * Owns the charts of report.html, as inline SVG and HTML without scripts: what packages can do, how
 * their risk is spread, where the bytes are. Every chart says its numbers in text as well.
 */
import { escapeHtml, formatCount } from "./html-text.ts";
import type { PackageAudit } from "./model.ts";
import { riskSteps, type Summary } from "./summary.ts";
import { compareText, formatBytes, plural } from "./text.ts";
import { squarify } from "./treemap.ts";

/** Where a risk belongs on the scale of colours: a class name of html-assets.ts. */
export function riskLevel(risk: number): "low" | "some" | "high" | "top" {
  if (risk < 15) return "low";
  if (risk < 35) return "some";
  return risk < 60 ? "high" : "top";
}

export function capabilityChart({ capabilities, packages }: Summary): string {
  const bars = capabilities.map(({ label, packages: some, places }) => {
    const percent = packages === 0 ? 0 : (100 * some) / packages;
    return (
      `<li><span class="bar-label">${label}</span>` +
      `<span class="bar-track"><span class="bar" style="width:${percent.toFixed(1)}%"></span></span>` +
      `<span class="bar-value"><b>${formatCount(some)}</b> · ${percent.toFixed(0)} %</span>` +
      `<span class="bar-note">${formatCount(places)} ${places === 1 ? "place" : "places"}</span></li>`
    );
  });
  return `<ul class="bars">${bars.join("")}</ul>`;
}

const histogram = { width: 520, height: 220, top: 22, bottom: 34 };

export function riskChart({ risks }: Summary): string {
  const { width, height, top, bottom } = histogram;
  const most = Math.max(1, ...risks);
  const step = width / risks.length;
  const floor = height - bottom;
  const bars = risks.map((count, index) => {
    // Most packages are harmless: on a linear scale the few that matter would vanish.
    const share = Math.log1p(count) / Math.log1p(most);
    const tall = count === 0 ? 0 : Math.max(3, share * (floor - top));
    const x = (index * step + 4).toFixed(1);
    const from = index * riskSteps;
    const to = index === risks.length - 1 ? 100 : from + riskSteps - 1;
    const middle = (index * step + step / 2).toFixed(1);
    return (
      `<g><title>Risk ${from} to ${to}: ${plural(count, "package")}</title>` +
      `<rect class="${riskLevel(from + 5)}" x="${x}" y="${(floor - tall).toFixed(1)}" rx="3"` +
      ` width="${(step - 8).toFixed(1)}" height="${tall.toFixed(1)}"/>` +
      `<text x="${middle}" y="${(floor - tall - 6).toFixed(1)}">${formatCount(count)}</text>` +
      `<text class="axis" x="${middle}" y="${floor + 20}">${from}–${to}</text></g>`
    );
  });
  return (
    `<svg class="chart" viewBox="0 0 ${width} ${height}" role="img"` +
    ` aria-label="Number of packages by risk">${bars.join("")}` +
    `<line x1="0" x2="${width}" y1="${floor}" y2="${floor}"/></svg>`
  );
}

const map = { x: 0, y: 0, width: 1120, height: 340 };
const mapTiles = 60;

export function sizeChart(packages: readonly PackageAudit[]): string {
  const sized = packages
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes || compareText(a.path, b.path));
  if (sized.length === 0) return '<p class="empty">There is nothing to show.</p>';
  const shown = sized.slice(0, mapTiles);
  const rest = sized.slice(mapTiles);
  const restBytes = rest.reduce((sum, { bytes }) => sum + bytes, 0);
  const tiles = shown.map(({ name, version, bytes, risk }) => ({
    label: name,
    title: `${name} ${version}: ${formatBytes(bytes)}, risk ${risk}`,
    level: riskLevel(risk) as string,
    bytes,
  }));
  if (rest.length > 0) {
    const label = `${formatCount(rest.length)} more`;
    const title = `${plural(rest.length, "smaller package")}: ${formatBytes(restBytes)}`;
    tiles.push({ label, title, level: "rest", bytes: restBytes });
    tiles.sort((a, b) => b.bytes - a.bytes);
  }
  const places = squarify(
    tiles.map(({ bytes }) => bytes),
    map,
  );
  const drawn = tiles.map((tile, index) => drawTile(tile, places[index] ?? map));
  return (
    `<svg class="chart tiles" viewBox="0 0 ${map.width} ${map.height}" role="img"` +
    ` aria-label="Packages by size, coloured by risk">${drawn.join("")}</svg>`
  );
}

interface Tile {
  readonly label: string;
  readonly title: string;
  readonly level: string;
  readonly bytes: number;
}

function drawTile({ label, title, level, bytes }: Tile, place: typeof map): string {
  const { x, y, width, height } = place;
  const position = `x="${(x + 1).toFixed(1)}" y="${(y + 1).toFixed(1)}"`;
  const size =
    `width="${Math.max(0.5, width - 2).toFixed(1)}"` +
    ` height="${Math.max(0.5, height - 2).toFixed(1)}"`;
  // About the width of a character; a name which does not fit is only in the title.
  const room = Math.floor((width - 14) / 8.2);
  const lines: string[] = [];
  if (room >= 3 && height >= 22) {
    const short = label.length > room ? `${label.slice(0, room - 1).toWellFormed()}…` : label;
    lines.push(textAt(x + 8, y + 18, short, "tile-name"));
  }
  if (room >= 6 && height >= 40) lines.push(textAt(x + 8, y + 34, formatBytes(bytes), "tile-size"));
  return (
    `<g><title>${escapeHtml(title)}</title><rect class="${level}" rx="3" ${position} ${size}/>` +
    `${lines.join("")}</g>`
  );
}

function textAt(x: number, y: number, text: string, name: string): string {
  return `<text class="${name}" x="${x.toFixed(1)}" y="${y.toFixed(1)}">${escapeHtml(text)}</text>`;
}
