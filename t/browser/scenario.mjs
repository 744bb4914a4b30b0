// What a real browser makes of what Guard says: SITE, FRIEND (another origin of the same site, so that it has cookies) and EVIL are
// served by one nginx. Prints one JSON object, which t/browser.t judges.
//   node scenario.mjs MODULES BROWSER PORT [SECONDS]

import { launch } from "./launch.mjs";

const [modules, executablePath, port, seconds = "30"] = process.argv.slice(2);
const [site, friend, evil] = ["app.site.test", "friend.site.test", "evil.test"].map(host => `https://${host}:${port}`);
const { browser, context } = await launch(modules, executablePath, seconds);

// In the page: a fetch and what the page can see of its answer.
async function fetched([url, options]) {
    try {
        const response = await fetch(url, options);
        return { type: response.type, status: response.status, text: await response.text(),
            total: response.headers.get("X-Total"), other: response.headers.get("X-Other") };
    } catch (error) {
        return { error: error.name };
    }
}

// In the page: the first message of a WebSocket, or that there is none.
function opened(url) {
    return new Promise(resolve => {
        const socket = new WebSocket(url);
        socket.onmessage = event => { resolve(event.data); socket.close(); };
        socket.onerror = () => resolve("refused");
    });
}

async function open(url) {
    const page = await context.newPage();
    const response = await page.goto(url);
    return { page, response };
}

const result = {};

// The demo application's own page.
const own = await open(site + "/");
result.title = await own.page.title();
result.headers = Object.fromEntries(["content-security-policy", "x-frame-options", "referrer-policy", "vary"]
    .map(name => [name, own.response.headers()[name]]));
await own.page.evaluate(fetched, [site + "/node/login", { method: "POST" }]);
result.cookies = (await context.cookies(site)).map(({ name, secure, sameSite }) => ({ name, secure, sameSite }));
result.own = {
    post: await own.page.evaluate(fetched, [site + "/node/change?fetch", { method: "POST", body: "a=b" }]),
    socket: await own.page.evaluate(opened, site.replace("https", "wss") + "/node/socket?own"),
};
const form = await open(site + "/node/form");
await Promise.all([form.page.waitForURL("**/node/change?own"), form.page.click("button")]);
result.own.form = await form.page.textContent("body");

// Another origin that is allowed, and one that is not.
for (const [name, origin] of [["friend", friend], ["evil", evil]]) {
    const { page } = await open(origin + "/page.html");
    const ask = (path, options) => page.evaluate(fetched, [site + path, options]);
    const json = { "Content-Type": "application/json", "X-Token": "t" };
    result[name] = {
        get: await ask("/node/read?" + name, { credentials: "include" }),
        without: await ask("/node/read?without-" + name, {}),
        put: await ask("/node/change?put-" + name, { method: "PUT", credentials: "include", headers: json, body: "{}" }),
        patch: await ask("/node/change?patch-" + name, { method: "PATCH", credentials: "include" }),
        field: await ask("/node/read?field-" + name, { credentials: "include", headers: { "X-Unnamed": "1" } }),
        open: await ask("/node/open/read?" + name, {}),
        open_with: await ask("/node/open/read?with-" + name, { credentials: "include" }),
        silent: await ask("/node/change?silent-" + name, { method: "POST", mode: "no-cors", credentials: "include", body: "a=b" }),
        socket: await page.evaluate(opened, `${site.replace("https", "wss")}/node/socket?${name}`),
    };

    // A frame.
    await page.evaluate(url => new Promise(resolve => {
        const frame = document.createElement("iframe");
        frame.name = "framed";
        frame.onload = resolve;
        frame.src = url;
        document.body.append(frame);
    }), site + "/");
    // One of another site moves to a process of its own, and for a while is in none.
    let frame = page.frame("framed");
    for (const end = Date.now() + 10_000; frame === null && Date.now() < end; frame = page.frame("framed")) {
        await page.waitForTimeout(20);
    }
    result[name].frame = { url: frame.url(), shown: await frame.locator("form").count().catch(() => -1) };

    // A form, as a visitor would be made to send it.
    await page.setContent(`<form method="post" action="${site}/node/change?form-${name}"><input name="a" value="b"><button>Win</button></form>`);
    const [answer] = await Promise.all([
        page.waitForResponse(response => response.url().includes("form-" + name)), page.click("button")]);
    result[name].form = answer.status();
}

// Somebody who has no cookie here.
const stranger = await browser.newContext({ ignoreHTTPSErrors: true });
stranger.setDefaultTimeout(Number(seconds) * 1000);
for (const [name, origin] of [["friend", friend], ["evil", evil]]) {
    const page = await stranger.newPage();
    await page.goto(origin + "/page.html");
    result[name].stranger = {
        get: await page.evaluate(fetched, [site + "/node/read?stranger-" + name, { credentials: "include" }]),
        socket: await page.evaluate(opened, `${site.replace("https", "wss")}/node/socket?stranger-${name}`),
    };
}

result.reached = JSON.parse((await own.page.evaluate(fetched, [site + "/node/reached", {}])).text);
console.log(JSON.stringify(result));
await browser.close();
