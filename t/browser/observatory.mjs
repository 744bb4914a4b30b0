// What MDN's HTTP Observatory gives localhost, as JSON: its own scan(), with the certificate verified.
// The ports 80 and 443 of localhost are led to those of the nginx under test.
//   node observatory.mjs MODULES HTTP-PORT HTTPS-PORT

import net from "node:net";
import { pathToFileURL } from "node:url";

const [modules, http, https] = process.argv.slice(2);
const ports = { 80: Number(http), 443: Number(https) };

const connect = net.Socket.prototype.connect;
net.Socket.prototype.connect = function (...words) {
    // Within Node, the options come as the first element of a list.
    const options = Array.isArray(words[0]) ? words[0][0] : words[0];
    if (options.host !== "localhost" || !(options.port in ports)) {
        throw new Error(`the scan leaves the machine: ${options.host}:${options.port}`);
    }
    options.port = ports[options.port];
    options.host = "127.0.0.1";
    return connect.apply(this, words);
};

const { scan } = await import(pathToFileURL(`${modules}/@mdn/mdn-http-observatory/src/scanner/index.js`));
const result = await scan("localhost");
const tests = Object.fromEntries(Object.entries(result.tests)
    .map(([name, test]) => [name, { result: test.result, pass: test.pass, modifier: test.scoreModifier }]));
console.log(JSON.stringify({ grade: result.scan.grade, score: result.scan.score, status: result.scan.statusCode, tests }));
process.exit(0);
