// The peer of schema_bench.cpp: JSON.parse and ajv's compiled function, and that function alone.
//   node t/bench/ajv.mjs NODE_MODULES SCHEMA FOLDER
import fs from "node:fs";
import { createRequire } from "node:module";

const [modules, schemaFile, folder] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const Ajv = require("ajv/dist/2020").default;
const ajv = new Ajv();
require("ajv-formats").default(ajv);
const validate = ajv.compile(JSON.parse(fs.readFileSync(schemaFile, "utf8")));

function measure(what, bytes, work) {
  const times = Math.max(3, Math.floor(40_000_000 / bytes));
  // Time for the compiler to find out what it is to make fast.
  for (let i = 0; i < times / 2; ++i) work();
  const start = process.hrtime.bigint();
  for (let i = 0; i < times; ++i) work();
  const spent = Number(process.hrtime.bigint() - start) / 1000;
  console.log(`${what} ${bytes} ${(spent / times).toFixed(4)}`);
}

function check(valid) {
  if (!valid) throw new Error("ajv refuses the body");
}

for (const size of [2_000, 200_000, 5_000_000]) {
  const text = fs.readFileSync(`${folder}/orders-${size}.json`, "utf8");
  measure("ajv-both", text.length, () => check(validate(JSON.parse(text))));
  const document = JSON.parse(text);
  measure("ajv-validate", text.length, () => check(validate(document)));
}
