/**
 * Owns the looks and the few lines of script of report.html. They are constants: nothing of a package
 * gets in here. The script sorts and filters the table, without it the report is complete.
 */
export const style = `
:root {
  color-scheme: light dark;
  --page: light-dark(#f6f7f9, #14171c);
  --card: light-dark(#ffffff, #1c2027);
  --line: light-dark(#dfe3e9, #313845);
  --text: light-dark(#1b2330, #e4e8ee);
  --soft: light-dark(#5a6577, #98a3b3);
  --track: light-dark(#eceff3, #2a303b);
  --bar: light-dark(#3b6fd4, #6f9bf0);
  --low: light-dark(#3a7d5b, #3a7d5a);
  --some: light-dark(#94700f, #8d6b10);
  --high: light-dark(#b5561a, #ac521a);
  --top: light-dark(#b03030, #b33535);
  --rest: light-dark(#667285, #4f5a6b);
}
* { box-sizing: border-box; }
body {
  margin: 0; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif;
}
main { max-width: 1320px; margin: 0 auto; padding: 28px 24px 48px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 16px; margin: 0 0 12px; }
h4 { font-size: 12px; margin: 0 0 2px; color: var(--soft); font-weight: 600; }
.lead { margin: 0 0 20px; color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); gap: 12px; }
.card, .panel {
  background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px;
}
.card b { display: block; font-size: 24px; line-height: 1.2; font-variant-numeric: tabular-nums; }
.card span { color: var(--soft); font-size: 13px; }
.panel { margin-top: 16px; padding: 18px 20px; }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 0 16px; }
.bars { list-style: none; margin: 0; padding: 0; display: grid; gap: 10px; }
.bars li {
  display: grid; grid-template-columns: 130px 1fr 92px 84px; gap: 10px; align-items: center;
}
.bar-track { background: var(--track); border-radius: 5px; height: 16px; overflow: hidden; }
.bar { display: block; height: 100%; background: var(--bar); border-radius: 5px; min-width: 1px; }
.bar-value, .bar-note { font-variant-numeric: tabular-nums; text-align: right; font-size: 13px; }
.bar-note { color: var(--soft); }
.chart { display: block; width: 100%; height: auto; }
.chart text { fill: var(--text); font-size: 13px; text-anchor: middle; }
.chart .axis { fill: var(--soft); font-size: 12px; }
.chart line { stroke: var(--line); }
.chart .tile-name, .chart .tile-size { fill: #fff; text-anchor: start; font-size: 12.5px; }
.chart .tile-name { font-weight: 600; }
.chart .tile-size { font-size: 11.5px; }
rect.low { fill: var(--low); } rect.some { fill: var(--some); } rect.high { fill: var(--high); }
rect.top { fill: var(--top); } rect.rest { fill: var(--rest); }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 10px 0 0; padding: 0; }
.legend li { list-style: none; color: var(--soft); font-size: 13px; }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 6px; }
i.low { background: var(--low); } i.some { background: var(--some); }
i.high { background: var(--high); } i.top { background: var(--top); }
.tools { display: flex; flex-wrap: wrap; gap: 10px; align-items: center; margin-bottom: 12px; }
.tools input, .tools select {
  font: inherit; color: inherit; background: var(--page); border: 1px solid var(--line);
  border-radius: 7px; padding: 6px 10px;
}
.tools input { flex: 1 1 240px; max-width: 420px; }
.tools output { color: var(--soft); font-size: 13px; margin-left: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 14px; }
th { position: sticky; top: 0; background: var(--card); text-align: left; padding: 0; }
th button {
  all: unset; cursor: pointer; display: block; padding: 6px 8px; font-size: 12.5px;
  font-weight: 600; color: var(--soft); white-space: nowrap;
}
th.number button { text-align: right; }
th button:hover, th[aria-sort] button { color: var(--text); }
th button:focus-visible { outline: 2px solid var(--bar); border-radius: 4px; }
th[aria-sort="descending"] button::after { content: " ↓"; }
th[aria-sort="ascending"] button::after { content: " ↑"; }
td { border-top: 1px solid var(--line); padding: 6px 8px; vertical-align: top; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.zero { color: color-mix(in srgb, var(--soft) 45%, transparent); }
td.package { min-width: 260px; max-width: 560px; }
tbody tr:hover { background: color-mix(in srgb, var(--bar) 6%, transparent); }
summary { cursor: pointer; overflow-wrap: anywhere; }
.version { color: var(--soft); }
/* What an opened row tells may lie over the empty cells beside it, and widens no column. */
.more { width: 0; font-size: 13px; padding: 2px 0 8px 14px; }
.columns { width: min(1120px, 78vw); columns: 2 380px; column-gap: 28px; overflow-wrap: anywhere; }
.columns section { break-inside: avoid; padding-bottom: 8px; }
.more ul { margin: 0; padding-left: 16px; }
code { font: 12.5px/1.4 ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.more code { background: var(--track); border-radius: 4px; padding: 1px 5px; }
.clip {
  display: inline-block; max-width: 150px; overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap; vertical-align: bottom;
}
.risk {
  display: inline-block; min-width: 34px; text-align: center; border-radius: 6px; font-weight: 600;
  padding: 0 6px; color: #fff;
}
.risk.low { background: var(--low); } .risk.some { background: var(--some); }
.risk.high { background: var(--high); } .risk.top { background: var(--top); }
.empty { color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 18px; margin: 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
#run table { margin-top: 14px; }
@media (max-width: 560px) {
  .pair { grid-template-columns: 1fr; }
  .bars li { grid-template-columns: 110px 1fr 84px; }
  .bar-note { display: none; }
}
@media print { .tools { display: none; } .scroll { overflow: visible; } }
`;

export const script = `
const table = document.getElementById("packages");
const body = table.tBodies[0];
const rows = [...body.rows];
const search = document.getElementById("search");
const filter = document.getElementById("filter");
const shown = document.getElementById("shown");
const show = () => {
  const words = search.value.toLowerCase().split(" ").filter(Boolean);
  let count = 0;
  for (const row of rows) {
    const fits = words.every((word) => row.dataset.search.includes(word))
      && (filter.value === "" || row.dataset.tags.split(" ").includes(filter.value));
    row.hidden = !fits;
    if (fits) count += 1;
  }
  shown.textContent = count + " of " + rows.length + " packages";
};
const sort = (heading) => {
  const kind = heading.querySelector("button").dataset.kind;
  const before = heading.getAttribute("aria-sort");
  const down = before === null ? kind === "number" : before === "ascending";
  for (const other of table.querySelectorAll("th")) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", down ? "descending" : "ascending");
  const value = (row) => row.cells[heading.cellIndex].dataset.value;
  const compare = kind === "number"
    ? (a, b) => value(a) - value(b)
    : (a, b) => value(a).localeCompare(value(b));
  rows.sort((a, b) => (down ? compare(b, a) : compare(a, b)));
  body.append(...rows);
};
for (const button of table.querySelectorAll("th button")) {
  button.addEventListener("click", () => sort(button.parentElement));
}
search.addEventListener("input", show);
filter.addEventListener("change", show);
show();
`;
