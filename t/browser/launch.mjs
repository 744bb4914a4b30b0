// Chromium as the scenarios want it: *.test is here, certificates are not looked at, reports of policies go out at once.

import { createRequire } from "node:module";

export async function launch(modules, executablePath, seconds) {
    const { chromium } = createRequire(modules + "/")("playwright-core");
    const timeout = Number(seconds) * 1000;
    const browser = await chromium.launch({
        executablePath,
        timeout,
        args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
            "--disable-component-update", "--disable-sync", "--ignore-certificate-errors", "--short-reporting-delay",
            "--host-resolver-rules=MAP *.test 127.0.0.1"],
    });
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    context.setDefaultTimeout(timeout);
    return { browser, context };
}
