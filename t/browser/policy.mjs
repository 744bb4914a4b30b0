// What a real browser makes of a strict policy: the demo application's own scripts run, what was injected into a page does not.
// Prints one JSON object, which t/browser-csp.t judges, with what the browser has reported of it in Guard's log.
//   node policy.mjs MODULES BROWSER PORT [SECONDS]

import { launch } from "./launch.mjs";

const [modules, executablePath, port, seconds = "30"] = process.argv.slice(2);
const site = `https://app.site.test:${port}`;
const { browser, context } = await launch(modules, executablePath, seconds);
const page = await context.newPage();

// The page, with what of it has run.
async function look(path) {
    const response = await page.goto(site + path);
    return {
        status: response.status(),
        protocol: await page.evaluate(() => performance.getEntriesByType("navigation")[0].nextHopProtocol),
        nonces: await page.evaluate(() => [...document.querySelectorAll("script")].map(script => script.nonce)),
        own: await page.evaluate(() => document.documentElement.dataset.own ?? ""),
        injected: await page.evaluate(() => document.documentElement.dataset.injected ?? ""),
        policy: response.headers()["content-security-policy"] ?? "",
        cache: response.headers()["cache-control"] ?? "",
    };
}

const result = {};

// The demo application: its inline style counts, its inline script sends the form.
result.demo = await look("/");
result.width = await page.evaluate(() => getComputedStyle(document.body).maxWidth);
await page.fill("#account input[name=email]", "ann@example.com");
await page.fill("#account input[name=password]", "correct horse");
await page.click("#account button[value=register]");
await page.waitForFunction(() => document.getElementById("answer").textContent !== "");
result.registered = await page.textContent("#answer");
result.again = await look("/");

// A page of the application that writes what it was given into itself.
const script = "<script>document.documentElement.dataset.injected = 'script'</script>";
const inject = text => "?q=" + encodeURIComponent(text);
result.script = await look("/node/reflect" + inject(script));
result.handler = await look("/node/reflect" + inject("<img src=/node/none onerror=\"document.documentElement.dataset.injected = 'handler'\">"));
result.base = await look("/node/reflect" + inject("<base href=https://evil.test/>"));
result.base_uri = await page.evaluate(() => document.baseURI);
// The nonce of an earlier page is worth nothing.
result.stale = await look("/node/reflect" + inject(script.replace("<script", `<script nonce="${result.script.nonces[0]}"`)));
// A static page of nginx's own.
result.static = await look("/static/page.html");
// The same without a policy, with one that only reports, and with the older way of reporting.
result.none = await look("/none/node/reflect" + inject(script));
result.report_only = await look("/report-only/node/reflect" + inject(script));
result.uri = await look("/uri/node/reflect" + inject(script));

// Cookies that the application sets without any flag.
await page.goto(site + "/node/cookie");
result.cookies = (await context.cookies(site)).map(({ name, secure, httpOnly, sameSite }) => ({ name, secure, httpOnly, sameSite }));
result.readable = await page.evaluate(() => document.cookie);

// Reports are on their way.
await page.waitForTimeout(500);
console.log(JSON.stringify(result));
await browser.close();
