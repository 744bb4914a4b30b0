// An application with cookies and WebSockets behind nginx, which protects itself from nothing.
// It writes its port to standard output; what has reached it is at /node/reached.

import { createHash } from "node:crypto";
import { createServer } from "node:http";

const reached = [];

function answer(request, response, body) {
    const path = request.url.replace(/\?.*/, "");
    if (path === "/node/reached") {
        response.end(JSON.stringify(reached));
        return;
    }
    reached.push(`${request.method} ${request.url}`);
    if (path === "/node/form") {
        response.setHeader("Content-Type", "text/html");
        response.end(`<!doctype html><title>form</title>
            <form method="post" action="/node/change?own"><input name="a" value="b"><button>Go</button></form>`);
        return;
    }
    if (path.endsWith("/node/reflect")) {
        // A page with a hole, and with a script of its own that has the nonce of the gateway.
        const nonce = request.headers["x-csp-nonce"] ?? "";
        response.setHeader("Content-Type", "text/html");
        response.end(`<!doctype html><title>reflect</title>
            <script nonce="${nonce}">document.documentElement.dataset.own = "ran"</script>
            ${new URL(request.url, "http://localhost").searchParams.get("q")}`);
        return;
    }
    if (path === "/node/cookie") response.setHeader("Set-Cookie", ["sid=secret; Path=/", "theme=dark; Path=/", "__Host-id=1"]);
    if (path === "/node/login") response.setHeader("Set-Cookie", "sid=secret; Path=/; Secure; SameSite=None");
    response.setHeader("Content-Type", "application/json");
    response.setHeader("X-Total", "7");
    response.setHeader("X-Other", "8");
    // What Guard has to replace.
    response.setHeader("Access-Control-Allow-Origin", request.headers.origin ?? "*");
    response.setHeader("Access-Control-Allow-Credentials", "true");
    response.end(JSON.stringify({ method: request.method, cookie: request.headers.cookie ?? "", body }));
}

const server = createServer((request, response) => {
    const chunks = [];
    request.on("data", chunk => chunks.push(chunk));
    request.on("end", () => answer(request, response, Buffer.concat(chunks).toString()));
});

// RFC 6455: the handshake, and one text frame with the cookie that came along.
server.on("upgrade", (request, socket) => {
    reached.push(`WEBSOCKET ${request.url}`);
    const accept = createHash("sha1")
        .update(request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")
        .digest("base64");
    const text = Buffer.from(request.headers.cookie ?? "none");
    socket.on("error", () => {});
    socket.write("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        `Sec-WebSocket-Accept: ${accept}\r\n\r\n`);
    socket.write(Buffer.concat([Buffer.from([0x81, text.length]), text]));
});

server.listen(0, "127.0.0.1", () => console.log(server.address().port));
process.stdin.on("end", () => process.exit(0));
process.stdin.resume();
