// The page of guard_dashboard. All that it shows comes from elsewhere: it is only ever set as text.
(() => {
"use strict";

// Milliseconds between polls; seconds that charts show; samples that are kept; seconds between two samples from which on nothing
// is said of what was between; events that are shown.
const INTERVAL = 1000, KEPT = 300, SAMPLES = 70, GAP = 10, SHOWN = 100;
const byId = id => document.getElementById(id);

function make(tag, className, text) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}

function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

// Numbers

const number = (value, digits = 0) => value.toLocaleString("en", { maximumFractionDigits: digits, minimumFractionDigits: 0 });
const rate = value => number(value, value < 1 ? 2 : value < 10 ? 1 : 0);
const clock = moment => moment.toLocaleTimeString("en-GB");
const date = moment => moment.toLocaleDateString("en-GB", { day: "numeric", month: "short" });
const percent = value => number(100 * value, 1) + " %";

function seconds(value) {
  if (value === null || !Number.isFinite(value)) return "–";
  if (value < 1) return number(1000 * value, value < .01 ? 1 : 0) + " ms";
  if (value < 120) return number(value, 1) + " s";
  if (value < 7200) return number(value / 60) + " min";
  if (value < 172800) return number(value / 3600) + " h";
  return number(Math.floor(value / 86400)) + " days";
}

function bytes(value) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) { value /= 1024; ++unit; }
  return number(value, value < 10 ? 1 : 0) + " " + units[unit];
}

// Samples: {at: seconds, metrics: {FAMILY: [[labels, value], ...]}}

const samples = [];
const series = (sample, family) => sample?.metrics[family] ?? [];
const keyOf = labels => JSON.stringify(labels);

function sum(sample, family, wanted = {}) {
  let total = 0;
  for (const [labels, value] of series(sample, family)) {
    if (Object.entries(wanted).every(([name, text]) => labels[name] === text)) total += value ?? 0;
  }
  return total;
}

// The sample that is so many seconds older than the newest, or the oldest since nginx began to count.
function before(age) {
  const newest = samples.at(-1);
  let found = samples.at(-2);
  for (let i = samples.length - 2; i >= 0 && newest.at - samples[i].at <= age + .5; --i) found = samples[i];
  return found;
}

// What a counter has grown by between two samples.
const growth = (from, to, family, wanted) => from ? Math.max(0, sum(to, family, wanted) - sum(from, family, wanted)) : 0;

function quantile(from, to, share) {
  const now = series(to, "guard_request_duration_seconds")[0]?.[1];
  if (!now || !from) return null;
  const then = series(from, "guard_request_duration_seconds")[0]?.[1];
  const counts = now.counts.map((count, i) => count - (then?.counts[i] ?? 0));
  const all = counts.at(-1);
  if (!(all > 0)) return null;
  const rank = share * all;
  const i = counts.findIndex(count => count >= rank);
  if (i >= now.bounds.length) return now.bounds.at(-1) ?? null;
  const low = i === 0 ? 0 : now.bounds[i - 1], below = i === 0 ? 0 : counts[i - 1];
  return low + (now.bounds[i] - low) * (counts[i] === below ? 1 : (rank - below) / (counts[i] - below));
}

// Tiles, pairs and tables keep their elements, so that focus and selection stay.

function fillTiles(list, tiles) {
  while (list.children.length > tiles.length) list.lastElementChild.remove();
  tiles.forEach(({ name, value, more = "", state = "" }, i) => {
    let tile = list.children[i];
    if (!tile) {
      tile = make("div");
      tile.append(make("dt"), make("dd"), make("dd", "more"));
      list.append(tile);
    }
    if (tile.className !== state) tile.className = state;
    setText(tile.children[0], name);
    setText(tile.children[1], value);
    setText(tile.children[2], more);
    tile.children[2].hidden = more === "";
  });
}

function fillPairs(list, pairs) {
  while (list.children.length > 2 * pairs.length) list.lastElementChild.remove();
  pairs.forEach(([name, value], i) => {
    if (!list.children[2 * i]) list.append(make("dt"), make("dd"));
    setText(list.children[2 * i], name);
    setText(list.children[2 * i + 1], value);
  });
}

// rows: {cells: [text, ...], className}; numbers: from which column on they are right-aligned
function fillTable(body, rows, numbers, nothing) {
  if (rows.length === 0) rows = [{ cells: [nothing] }];
  while (body.children.length > rows.length) body.lastElementChild.remove();
  rows.forEach(({ cells, className = "" }, i) => {
    let row = body.children[i];
    if (!row) body.append(row = make("tr"));
    if (row.className !== className) row.className = className;
    while (row.children.length > cells.length) row.lastElementChild.remove();
    cells.forEach((text, k) => {
      let cell = row.children[k];
      if (!cell) row.append(cell = make("td"));
      const kind = k >= numbers ? "number" : "";
      if (cell.className !== kind) cell.className = kind;
      setText(cell, text);
    });
    row.firstElementChild.colSpan = cells.length === 1 ? 10 : 1;
  });
}

// Charts

const CHARTS = [
  { title: "Requests per second", unit: value => rate(value), lines: [
    { name: "2xx", colour: "--good" }, { name: "3xx", colour: "--note", dash: [6, 3] }, { name: "4xx", colour: "--warn", dash: [2, 3] },
    { name: "5xx", colour: "--bad", dash: [10, 4] }] },
  { title: "Time of requests", unit: seconds, lines: [
    { name: "median", colour: "--good" }, { name: "95 %", colour: "--warn", dash: [6, 3] }, { name: "99 %", colour: "--bad", dash: [2, 3] }] },
  { title: "Refusals per second", unit: value => rate(value), lines: [
    { name: "enforced", colour: "--bad" }, { name: "observed", colour: "--other", dash: [6, 3] }] },
];

const colour = name => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
const times = [];
const SVG = "http://www.w3.org/2000/svg";

// The line as it is drawn: what tells two apart is not their colour alone.
function swatch(line) {
  const svg = document.createElementNS(SVG, "svg"), stroke = document.createElementNS(SVG, "line");
  svg.setAttribute("aria-hidden", "true");
  for (const [name, value] of Object.entries({ x1: 0, x2: 26, y1: 5, y2: 5, "stroke-width": 3, "stroke-dasharray": (line.dash ?? []).join(" ") })) {
    stroke.setAttribute(name, value);
  }
  stroke.style.stroke = `var(${line.colour})`;
  svg.append(stroke);
  return svg;
}

function makeChart(chart, index) {
  const figure = make("figure"), plot = make("div", "plot"), legend = make("ul", "legend");
  const caption = make("figcaption", "", chart.title);
  caption.id = "chart-" + index;
  plot.setAttribute("role", "img");
  plot.setAttribute("aria-label", chart.title + ", as lines over the last five minutes; the newest values stand below");
  chart.values = chart.lines.map(() => []);
  chart.shown = chart.lines.map(line => {
    const item = make("li"), value = make("span");
    item.append(swatch(line), line.name + " ", value);
    legend.append(item);
    return value;
  });
  figure.append(caption, plot, legend);
  byId("charts").append(figure);
  chart.plot = plot;
  new ResizeObserver(() => {
    if (chart.drawn && plot.clientWidth) chart.drawn.setSize({ width: plot.clientWidth, height: 180 });
  }).observe(plot);
}

function draw(chart) {
  const axis = { stroke: colour("--quiet"), grid: { stroke: colour("--line"), width: 1 }, ticks: { show: false }, font: "12px system-ui, sans-serif" };
  chart.drawn?.destroy();
  chart.drawn = new uPlot({
    width: chart.plot.clientWidth, height: 180, legend: { show: false }, cursor: { show: false }, padding: [8, 30, 0, 0],
    // Five minutes, but at first at least one.
    scales: { x: { range: () => [Math.min(times[0] ?? 0, (times.at(-1) ?? 0) - 60), times.at(-1) ?? 0] }, y: { range: (_, low, high) => [0, high > 0 ? high * 1.1 : 1] } },
    axes: [{ ...axis, size: 28, space: 70, values: (_, splits) => splits.map(value => clock(new Date(1000 * value))) }, { ...axis, size: 64, values: (_, splits) => splits.map(value => chart.unit(value)) }],
    series: [{}, ...chart.lines.map(line => ({ label: line.name, stroke: colour(line.colour), width: 2, dash: line.dash, points: { show: false } }))],
  }, [times, ...chart.values], chart.plot);
}

// Without a previous sample lines break off.
function extend(sample, previous) {
  const span = previous ? Math.max(.001, sample.at - previous.at) : 1, ten = before(10);
  const rows = !previous ? CHARTS.map(chart => chart.lines.map(() => null)) : [
    ["2xx", "3xx", "4xx", "5xx"].map(status => growth(previous, sample, "guard_requests", { status }) / span),
    [.5, .95, .99].map(share => quantile(ten, sample, share)),
    ["enforced", "observed"].map(verdict => growth(previous, sample, "guard_refusals", { verdict }) / span),
  ];
  // Times rise: where the clock went back, all were later.
  const old = times.at(-1) >= sample.at ? times.length : times.filter(time => time < sample.at - KEPT).length;
  times.splice(0, old);
  times.push(sample.at);
  CHARTS.forEach((chart, i) => {
    chart.values.forEach((values, k) => {
      values.splice(0, old);
      values.push(rows[i][k]);
      setText(chart.shown[k], rows[i][k] === null ? "–" : chart.unit(rows[i][k]));
    });
    chart.drawn.setData([times, ...chart.values]);
  });
}

// Figures

function showNow(sample) {
  const ten = before(10), span = ten ? Math.max(.001, sample.at - ten.at) : 1;
  const requests = growth(ten, sample, "guard_requests"), failed = growth(ten, sample, "guard_requests", { status: "5xx" });
  const locks = sum(sample, "guard_lockouts"), bans = sum(sample, "guard_bans");
  const share = requests ? failed / requests : 0;
  fillTiles(byId("now"), [
    { name: "Requests per second", value: rate(requests / span) },
    { name: "Median time", value: seconds(quantile(ten, sample, .5)), more: "95 %: " + seconds(quantile(ten, sample, .95)) },
    { name: "Failed (5xx)", value: percent(share), more: number(failed) + " in 10 s", state: share >= .05 ? "bad" : failed ? "warn" : "good" },
    { name: "Refused in a minute", value: number(growth(before(60), sample, "guard_refusals", { verdict: "enforced" })),
      more: number(growth(before(60), sample, "guard_refusals", { verdict: "observed" })) + " only observed" },
    { name: "Failed logins in a minute", value: number(growth(before(60), sample, "guard_events", { kind: "login_failed" })) },
    { name: "Lockouts in force", value: number(locks), state: locks ? "warn" : "good" },
    { name: "Bans in force", value: number(bans), state: bans ? "warn" : "good" },
    { name: "Connections", value: number(sum(sample, "guard_connections")) },
    ...series(sample, "guard_sessions").map(([{ policy }, active]) => {
      const shared = series(sample, "guard_sessions_shared").find(([labels]) => labels.policy === policy)?.[1];
      return { name: "Sessions " + policy, value: number(active), state: shared === 0 ? "warn" : "",
        more: shared === undefined ? "" : shared ? "of all nginx" : "of this nginx alone" };
    }),
  ]);
}

function showHealth(sample) {
  const tiles = [];
  for (const [labels, value] of series(sample, "guard_redis_up")) {
    const own = { redis: labels.redis }, open = sum(sample, "guard_redis_breakers_open", own);
    const timeouts = growth(before(60), sample, "guard_redis_timeouts", own);
    tiles.push({ name: "Redis " + labels.redis, value: value ? "up" : "down", state: !value ? "bad" : open || timeouts ? "warn" : "good",
      more: [open ? number(open) + " breakers open" : "", number(sum(sample, "guard_redis_waiting_commands", own)) + " waiting",
        timeouts ? number(timeouts) + " timeouts in a minute" : ""].filter(Boolean).join(", ") });
  }
  const verdicts = new Map();
  for (const [labels, value] of series(sample, "guard_health_status")) {
    if (!verdicts.has(labels.check)) verdicts.set(labels.check, "no result");
    if (value) verdicts.set(labels.check, labels.status);
  }
  const only = (family, check) => series(sample, family).find(([labels]) => labels.check === check)?.[1];
  for (const [check, verdict] of verdicts) {
    const response = only("guard_health_response_seconds", check), free = only("guard_health_free_ratio", check);
    const remaining = only("guard_health_remaining_seconds", check);
    tiles.push({ name: check, value: verdict, state: { pass: "good", warn: "warn" }[verdict] ?? "bad",
      more: response !== undefined ? seconds(response) : free !== undefined ? percent(free) + " free" : remaining !== undefined ? seconds(remaining) + " left" : "" });
  }
  fillTiles(byId("health"), tiles);
  byId("health-none").hidden = tiles.length > 0;
}

function showTables(sample) {
  const minute = before(60);
  const grown = (family, labels) => growth(minute, sample, family, labels);
  const refusals = series(sample, "guard_refusals").map(([labels, value]) => ({ labels, value, recent: grown("guard_refusals", labels) }));
  refusals.sort((a, b) => b.recent - a.recent || b.value - a.value);
  fillTable(byId("refusals"), refusals.slice(0, 20).map(({ labels, value, recent }) => (
    { cells: [labels.code, labels.verdict, number(recent), number(value)] })), 2, "Nothing was refused.");

  const policies = new Map();
  const policy = (feature, name) => {
    const key = keyOf([feature, name]);
    if (!policies.has(key)) policies.set(key, { name: feature + " " + name, limited: 0, allowed: 0, force: "" });
    return policies.get(key);
  };
  for (const [labels] of series(sample, "guard_policy_requests")) {
    const one = policy(labels.feature, labels.policy), recent = grown("guard_policy_requests", labels);
    if (labels.verdict === "allowed") one.allowed += recent; else one.limited += recent;
  }
  for (const [labels, value] of series(sample, "guard_lockouts")) policy("lockout", labels.policy).force = number(value) + " locked";
  for (const [labels, value] of series(sample, "guard_bans")) policy("ban", labels.policy).force = number(value) + " banned";
  const busiest = [...policies.values()].sort((a, b) => b.limited - a.limited || b.allowed - a.allowed || a.name.localeCompare(b.name));
  fillTable(byId("policies"), busiest.slice(0, 20).map(one => (
    { cells: [one.name, number(one.limited), number(one.allowed), one.force] })), 1, "No policy was asked yet.");

  const zones = series(sample, "guard_zone_size_bytes").map(([{ zone }, size]) => {
    const used = series(sample, "guard_zone_used_ratio").find(([labels]) => labels.zone === zone)?.[1];
    return { cells: [zone, bytes(size), used === undefined ? "–" : percent(used), number(sum(sample, "guard_zone_evictions", { zone }))] };
  });
  fillTable(byId("zones"), zones, 1, "There is none.");
}

function showNode(sample) {
  const ten = before(10), span = ten ? Math.max(.001, sample.at - ten.at) : 1;
  const exiting = sum(sample, "guard_workers", { state: "exiting" });
  const build = series(sample, "guard_build_info")[0]?.[0] ?? {};
  const lost = sum(sample, "guard_event_log_lines", { result: "lost" });
  const ends = series(sample, "guard_certificate_not_after_time_seconds").map(([, value]) => value);
  setText(byId("build"), `${build.version ?? ""} on nginx ${build.nginx ?? ""}`);
  fillPairs(byId("node"), [
    ["Workers", number(sum(sample, "guard_workers", { state: "running" })) + (exiting ? `, ${number(exiting)} leaving` : "")],
    ["Workers that crashed", number(sum(sample, "guard_worker_crashes"))],
    ["CPU", percent(growth(ten, sample, "guard_worker_cpu_seconds") / span) + " of a core"],
    ["Memory", bytes(sum(sample, "guard_worker_resident_memory_bytes"))],
    ["Running for", seconds(sample.at - sum(sample, "guard_start_time_seconds"))],
    ["Configuration", "number " + number(sum(sample, "guard_config_generation")) + ", for " + seconds(sample.at - sum(sample, "guard_config_load_time_seconds"))],
    ["Certificates", ends.length ? "the first ends in " + seconds(Math.min(...ends) - sample.at) : "none"],
    ["Event lines lost", number(lost)],
  ]);
  const alarm = sum(sample, "guard_break_glass") ? "Break glass is in force: nothing is refused." : "";
  setText(byId("alarm"), alarm);
  byId("alarm").hidden = alarm === "";
}

// Events, the newest first

let events = [];

function describe(event) {
  const moment = new Date(event["@timestamp"]);
  const labels = event.labels ?? {}, request = event.http?.request ?? {}, status = event.http?.response?.status_code;
  const target = [request.method, event.url?.path].filter(Boolean).join(" ");
  const count = labels.count ? ` (${labels.count})` : "";
  return {
    severity: event.event?.severity ?? 6,
    cells: [
      `${date(moment)} ${clock(moment)}`,
      event.log?.level ?? "",
      (labels.kind ?? "") + count,
      [event.event?.code, event.event?.code ? "" : event.rule?.name].filter(Boolean).join(" "),
      event.source?.ip ?? labels.address_hash ?? "",
      target + (status ? " " + status : ""),
      [labels.decision, event.event?.reason, event.user?.name ?? event.user?.hash].filter(Boolean).join("; "),
    ],
  };
}

function showEvents() {
  const words = byId("filter-text").value.toLowerCase().split(/\s+/).filter(Boolean);
  const least = Number(byId("filter-severity").value);
  const shown = events.filter(event => event.severity <= least && words.every(word => event.text.includes(word)));
  fillTable(byId("events"), shown.map(({ cells, severity }) => ({ cells, className: "severity-" + severity })), 99,
    events.length ? "No event fits the filter." : "Nothing has happened yet.");
  setText(byId("shown"), `${shown.length} of ${events.length}`);
}

function takeEvents(lines) {
  if (lines.length === 0 && byId("events").children.length) return;
  const fresh = lines.map(describe).map(event => ({ ...event, text: event.cells.join(" ").toLowerCase() })).reverse();
  events = fresh.concat(events).slice(0, SHOWN);
  showEvents();
}

// Once a second

let last = 0, paused = false, failures = 0;

function take(data) {
  const sample = { at: data.now / 1000, metrics: data.metrics };
  const previous = samples.at(-1);
  // Another nginx may have had more events by now: all of its own come with the next answer.
  const started = sum(sample, "guard_start_time_seconds");
  const fresh = previous && sum(previous, "guard_start_time_seconds") !== started;
  const restarted = data.last < last || fresh;
  // That, a clock that was set, or nobody has looked for a while.
  if (restarted || (previous && (sample.at <= previous.at || sample.at - previous.at > GAP))) samples.length = 0;
  if (restarted) {
    events = [];
    showEvents();
  }
  last = fresh ? 0 : data.last;
  samples.push(sample);
  if (samples.length > SAMPLES) samples.shift();
  if (samples.length > 1 || times.length > 0) extend(sample, samples.at(-2));
  showNow(sample);
  showHealth(sample);
  showTables(sample);
  showNode(sample);
  takeEvents(fresh ? [] : data.events);
}

function showState() {
  setText(byId("state"), paused ? "Paused" : failures > 2 ? "No answer, the figures are old" : "Live");
}

async function poll() {
  if (paused || document.hidden) return;
  try {
    const response = await fetch("?data=" + last, { cache: "no-store", signal: AbortSignal.timeout(5000) });
    if (!response.ok) throw new Error("status " + response.status);
    take(await response.json());
    failures = 0;
    showState();
  } catch {
    if (++failures > 2) showState();
  }
}

async function run() {
  await poll();
  setTimeout(run, INTERVAL);
}

byId("pause").addEventListener("click", () => {
  paused = !paused;
  byId("pause").setAttribute("aria-pressed", String(paused));
  showState();
});
byId("filter").addEventListener("submit", event => event.preventDefault());
byId("filter-text").addEventListener("input", showEvents);
byId("filter-severity").addEventListener("change", showEvents);
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => CHARTS.forEach(draw));
CHARTS.forEach(makeChart);
CHARTS.forEach(draw);
run();
})();
