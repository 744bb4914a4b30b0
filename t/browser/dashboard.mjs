// What an operator sees on the page of guard_dashboard: in light, in dark and on a phone, by keyboard, with hostile events, without
// network, and after many hours. Prints one JSON object, which t/browser-dashboard.t judges.
//   node dashboard.mjs MODULES BROWSER URL PICTURES POLLS [SECONDS]

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { launch } from "./launch.mjs";

const [modules, executablePath, url, pictures, polls, seconds = "30"] = process.argv.slice(2);
const axe = readFileSync(createRequire(modules + "/").resolve("axe-core/axe.min.js"), "utf8");
const { browser } = await launch(modules, executablePath, seconds);
const result = { said: [], asked: [], violations: {}, overflow: {}, broken: {}, work: {} };

async function open(name, words) {
    // axe is put into the page by the test, which the page's policy would not let anybody do.
    const context = await browser.newContext({ bypassCSP: name !== "plain", ...words });
    context.setDefaultTimeout(Number(seconds) * 1000);
    const page = await context.newPage();
    page.on("console", message => result.said.push(`${name}: ${message.text()}`));
    page.on("pageerror", error => result.said.push(`${name}: ${error}`));
    page.on("request", request => result.asked.push(request.url()));
    await page.goto(url);
    await page.waitForFunction(() => document.getElementById("state").textContent === "Live");
    // Rates need two samples, and the charts something to draw.
    await page.waitForFunction(() => [...document.querySelectorAll(".legend span")].every(value => value.textContent !== "")
        && document.querySelectorAll("#now div").length === 10);
    return { context, page };
}

const tiles = (page, id) => page.evaluate(id => Object.fromEntries([...document.getElementById(id).children].map(tile =>
    [tile.children[0].textContent, [tile.className, tile.children[1].textContent, tile.children[2].textContent]])), id);
const rows = (page, id) => page.evaluate(id => [...document.getElementById(id).rows].map(row => [...row.cells].map(cell => cell.textContent)), id);

// As it is, under its policy.
{
    const { context, page } = await open("plain", { colorScheme: "light", viewport: { width: 1280, height: 900 } });
    result.now = await tiles(page, "now");
    result.health = await tiles(page, "health");
    for (const id of ["refusals", "policies", "zones", "events"]) result[id] = await rows(page, id);
    result.node = await page.evaluate(() => [...document.getElementById("node").children].map(element => element.textContent));
    result.build = await page.textContent("#build");
    result.canvases = await page.evaluate(() => [...document.querySelectorAll("canvas")].map(canvas => canvas.width > 100 && canvas.height > 100));
    result.injected = await page.evaluate(() => [document.documentElement.dataset.injected ?? "", document.querySelectorAll("main script, main img, main iframe").length]);
    // What an injected script would try, were there one.
    result.blocked = await page.evaluate(() => {
        try {
            document.getElementById("build").innerHTML = "<b>x</b>";
        } catch (error) {
            return error.name;
        }
        return "nothing";
    });

    // By keyboard alone: the skip link, the figures, the button.
    await page.keyboard.press("Tab");
    result.first = await page.evaluate(() => document.activeElement.textContent);
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement.id === "main");
    await page.keyboard.press("Shift+Tab");
    result.before = await page.evaluate(() => document.activeElement.id);
    await page.keyboard.press("Space");
    result.paused = [await page.getAttribute("#pause", "aria-pressed"), await page.textContent("#state")];
    await page.keyboard.press("Space");
    result.resumed = [await page.getAttribute("#pause", "aria-pressed"), await page.textContent("#state")];
    // While an answer is on its way.
    let asked, answer;
    const begun = new Promise(done => { asked = done; }), held = new Promise(done => { answer = done; });
    await page.route(/[?]data=/, async route => { asked(); await held; await route.continue(); });
    await begun;
    await page.click("#pause");
    const came = page.waitForResponse(/[?]data=/);
    answer();
    await (await came).finished();
    await page.evaluate(() => new Promise(done => requestAnimationFrame(() => setTimeout(done))));
    result.paused.push(await page.textContent("#state"));
    await page.unroute(/[?]data=/);
    await page.click("#pause");
    // Every part that scrolls can be reached.
    result.reachable = await page.evaluate(() => [...document.querySelectorAll(".scroll")].every(part => part.tabIndex === 0));

    await page.fill("#filter-text", "ACCOUNT_locked");
    result.filtered = await rows(page, "events");
    result.shown = await page.textContent("#shown");
    await page.fill("#filter-text", "no such thing");
    result.nothing = await rows(page, "events");
    await page.fill("#filter-text", "");
    await page.selectOption("#filter-severity", "3");
    result.severe = await rows(page, "events");
    await page.selectOption("#filter-severity", "6");

    await context.setOffline(true);
    await page.waitForFunction(() => document.getElementById("state").textContent.startsWith("No answer"));
    await context.setOffline(false);
    await page.waitForFunction(() => document.getElementById("state").textContent === "Live");
    await context.close();
}

for (const [name, words] of Object.entries({
    light: { colorScheme: "light", viewport: { width: 1280, height: 900 } },
    dark: { colorScheme: "dark", viewport: { width: 1280, height: 900 } },
    phone: { colorScheme: "light", viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true },
})) {
    const { context, page } = await open(name, words);
    // The charts shall have some lines. Meanwhile: what share of a core the page takes, by its thread's own time.
    const session = await context.newCDPSession(page);
    await session.send("Performance.enable");
    const taken = async () => Object.fromEntries((await session.send("Performance.getMetrics")).metrics.map(({ name, value }) => [name, value]));
    const before = await taken();
    await page.waitForTimeout(4000);
    const after = await taken();
    result.work[name] = (after.ThreadTime - before.ThreadTime) / (after.Timestamp - before.Timestamp);
    await page.screenshot({ path: `${pictures}/dashboard-${name}.png` });
    result.overflow[name] = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    // Words that stand in two lines. What clients send (the request, the last column) may be longer than any line.
    result.broken[name] = await page.evaluate(() => [...document.querySelectorAll("tbody td")].filter(cell => !cell.closest("#events") || cell.cellIndex < 5)
        .flatMap(cell => [...cell.textContent.matchAll(/\S+/g)].filter(({ 0: word, index }) => {
            const range = document.createRange();
            range.setStart(cell.firstChild, index);
            range.setEnd(cell.firstChild, index + word.length);
            return range.getClientRects().length > 1;
        }).map(([word]) => word)));
    await page.evaluate(axe);
    const { violations, passes } = await page.evaluate(() => axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }));
    result.violations[name] = violations.map(({ id, nodes }) => `${id}: ${nodes.map(node => node.html).join(" ")}`);
    result.rules = passes.length;
    await context.close();
}

// Hours of polls, one right after the other: what the page keeps is bounded.
{
    const context = await browser.newContext();
    context.setDefaultTimeout(4 * Number(seconds) * 1000);
    const page = await context.newPage();
    const data = await (await fetch(url + "?data=0")).json();
    await page.addInitScript(data => {
        const later = setTimeout, channel = new MessageChannel();
        let next = null, uPlot;
        window.charts = [];
        Object.defineProperty(window, "uPlot", { get: () => uPlot, set: made => {
            uPlot = new Proxy(made, { construct(target, words) { const chart = new target(...words); window.charts.push(chart); return chart; } });
        } });
        channel.port1.onmessage = () => next?.();
        window.polls = 0;
        window.limit = 0;
        window.offset = 0;
        window.restarted = 0;
        window.fetch = async address => {
            ++window.polls;
            const count = window.polls - window.restarted, copy = structuredClone(data);
            window.after = [...window.after ?? [], Number(address.split("=")[1])].slice(-20);
            copy.now += 1000 * (window.polls + window.offset);
            copy.metrics.guard_start_time_seconds[0][1] += window.restarted;
            window.now = copy.now / 1000;
            copy.last += window.polls;
            copy.events = [{ ...data.events[0], event: { ...data.events[0].event, reason: "poll " + window.polls } }];
            for (const series of copy.metrics.guard_requests) series[1] += 10 * count;
            // Of 100 requests each time 60 take up to 50 ms and more than 25, 36 up to 250 and more than 100, 4 up to 1000 and more than 500.
            const [, times] = copy.metrics.guard_request_duration_seconds[0];
            times.counts = times.counts.map((known, i) => known + count * (times.bounds[i] < .05 ? 0 : times.bounds[i] < .25 ? 60 : times.bounds[i] < 1 ? 96 : 100));
            return { ok: true, json: async () => copy };
        };
        window.goOn = () => channel.port2.postMessage(0);
        window.setTimeout = (run, time) => {
            if (time !== 1000) return later(run, time);
            next = run;
            if (window.polls < window.limit) window.goOn();
            return 0;
        };
    }, data);
    await page.goto(url);
    const session = await context.newCDPSession(page);
    const runTo = async limit => {
        await page.evaluate(limit => { window.limit = limit; window.goOn(); }, limit);
        // As long as it takes: who runs this has a limit of his own.
        await page.waitForFunction(() => window.polls >= window.limit, null, { timeout: 0 });
        await session.send("HeapProfiler.collectGarbage");
        return page.evaluate(() => performance.memory.usedJSHeapSize);
    };
    await session.send("HeapProfiler.enable");
    const middle = await runTo(Math.max(500, Number(polls) / 3)), end = await runTo(Number(polls));
    result.legends = await page.evaluate(() => [...document.querySelectorAll(".legend")].map(legend => legend.innerText.split(/\n/).join(" ")));
    result.busy = await tiles(page, "now");
    result.heap = { middle, end, nodes: await page.evaluate(() => document.querySelectorAll("*").length), events: (await rows(page, "events")).length,
        newest: (await rows(page, "events"))[0].at(-1) };

    // Nobody has looked for an hour; then nginx's clock goes back by a day, and on by as much.
    const look = async () => ({
        failed: (await tiles(page, "now"))["Failed (5xx)"][2],
        ...await page.evaluate(() => { const { x } = window.charts[0].scales; return { span: x.max - x.min, end: window.now - x.max, legend: document.querySelector(".legend").innerText.split(/\n/)[3] }; }),
    });
    result.steps = {};
    for (const [name, polled, clock] of [["hour", 3600, 0], ["back", 0, -86400], ["on", 0, 86400]]) {
        await page.evaluate(({ polled, clock }) => { window.polls += polled; window.offset += clock; }, { polled, clock });
        const from = await page.evaluate(() => window.polls);
        await runTo(from + 1);
        const first = await look();
        await runTo(from + 11);
        result.steps[name] = { first, later: await look() };
    }

    // Another nginx, which has counted as many events as the one before by the time of the first look.
    await page.evaluate(() => { window.restarted = window.polls; });
    await runTo(await page.evaluate(() => window.polls) + 6);
    result.restarted = { ...await look(), events: (await rows(page, "events")).length, whole: await page.evaluate(() => window.after.includes(0)) };
    await context.close();
}

console.log(JSON.stringify(result));
await browser.close();
