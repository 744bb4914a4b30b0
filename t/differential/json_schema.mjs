// Compares the JSON Schema of this module with ajv's on random schemas and documents:
//   node json_schema.mjs DRIVER NODE_MODULES [SCHEMAS] [SEED]
// Ends with 1 if a verdict differs and no rule below decides it by the text of the specification.

import {spawn} from "node:child_process";
import {createRequire} from "node:module";
import {createInterface} from "node:readline";

import {Random, Schemas, spell, valueFor} from "./random.mjs";

const [driver, modules, schemaCount = "3000", firstSeed = "1"] = process.argv.slice(2);
const require = createRequire(`${modules}/`);
const kDocuments = 12;
const kDrafts = ["2020-12", "7"];
const kAjv = {"2020-12": require("ajv/dist/2020").default, 7: require("ajv").default};

// Every schema in schema, itself first.
function* parts(schema) {
  if (typeof schema !== "object" || schema === null) return;
  yield schema;
  for (const value of Object.values(schema)) yield* parts(value);
}

const anyPart = (schema, test) => [...parts(schema)].some(test);

// Where ajv is known to do something else than the specification says.
const kDecided = [
  {
    // Draft 7 core, section 8.3: what is beside a "$ref" is ignored. ajv looks at "type".
    applies: (schema, document, ours, draft) =>
        draft === "7" && anyPart(schema, (part) => "$ref" in part && "type" in part),
  },
  {
    // Core 11.2: "unevaluatedItems" looks at the annotations of "contains" as well. ajv does not.
    applies: (schema) => anyPart(schema, (part) => "contains" in part) &&
        anyPart(schema, (part) => "unevaluatedItems" in part),
  },
  {
    // Core 10.3.1.3: "contains" wants an element that matches, and an empty array has none. Beside a
    // tuple, or behind another array, ajv lets it pass.
    applies: (schema, document, ours) => ours === "i" && document.includes("[]") &&
        anyPart(schema, (part) => "contains" in part),
  },
  {
    // Core 7.7.1.2 and 11.2: a schema that fails has no annotations, and one that does not has those
    // of its "unevaluatedItems". ajv keeps the former of tuples, and overlooks the latter.
    applies: (schema) => anyPart(schema, (part) => "unevaluatedItems" in part) &&
        anyPart(schema, (part) => ["if", "then", "else", "allOf", "anyOf", "oneOf"].some(
            (branch) => anyPart(part[branch],
                                (inner) => "prefixItems" in inner || "unevaluatedItems" in inner))),
  },
  {
    // Validation 6.4.3: "uniqueItems" is of all elements. ajv compares them as what "items" says,
    // which is of those behind the tuple.
    applies: (schema) => anyPart(
        schema, (part) => "prefixItems" in part && "items" in part && "uniqueItems" in part),
  },
  {
    // Core 8.2.3.2: "$dynamicRef" is a keyword like others. ajv loses what those beside it find.
    applies: (schema) =>
        anyPart(schema, (part) => "$dynamicRef" in part && Object.keys(part).length > 1),
  },
  {
    // 9007199254740991 / 1.5 is no integer, but its nearest double is.
    applies: (schema, document) => document.includes("9007199254740991") &&
        anyPart(schema, (part) => part.multipleOf === 1.5),
  },
];

function peerOf(draft, schema) {
  const ajv = new kAjv[draft]({
    strict: false,
    validateFormats: false,
    logger: false,
    // Draft 7 core, section 8.3: "All other properties in a "$ref" object MUST be ignored."
    ignoreKeywordsWithRef: draft === "7",
  });
  return ajv.compile(schema);
}

// x: ajv's own code ends with an exception, as that of "unevaluatedProperties" does at times.
function judge(check, text) {
  try {
    return check(JSON.parse(text)) ? "v" : "i";
  } catch {
    return "x";
  }
}

const child = spawn(driver, {stdio: ["pipe", "pipe", "inherit"]});
const answers = createInterface({input: child.stdout})[Symbol.asyncIterator]();

async function ask(draft, schema, documents) {
  child.stdin.write(`{"draft":"${draft}","schema":${JSON.stringify(schema)},` +
                    `"documents":[${documents.join(",")}]}\n`);
  const {value, done} = await answers.next();
  if (done) throw new Error("the driver ended");
  return value;
}

// Whatever is left of schema and document when nothing can be taken away without an end of the
// difference.
async function shrink(draft, schema, text) {
  const differs = async (part, document) => {
    try {
      const theirs = judge(peerOf(draft, part), JSON.stringify(document));
      const ours = await ask(draft, part, [JSON.stringify(document)]);
      return /^[vi]$/.test(ours) && theirs !== "x" && ours !== theirs;
    } catch {
      return false;
    }
  };
  const smaller = function* (value) {
    if (typeof value !== "object" || value === null) return;
    for (const key of Object.keys(value)) {
      if (key === "$id") continue;
      const without = Array.isArray(value) ? value.filter((_, i) => String(i) !== key) : {...value};
      if (!Array.isArray(value)) delete without[key];
      yield without;
      for (const part of smaller(value[key])) {
        const changed = Array.isArray(value) ? [...value] : {...value};
        changed[key] = part;
        yield changed;
      }
    }
  };
  let document = JSON.parse(text);
  for (let again = true; again;) {
    again = false;
    for (const less of smaller(schema)) {
      if (!await differs(less, document)) continue;
      schema = less;
      again = true;
      break;
    }
    for (const less of again ? [] : smaller(document)) {
      if (!await differs(schema, less)) continue;
      document = less;
      again = true;
      break;
    }
  }
  const ours = await ask(draft, schema, [JSON.stringify(document)]);
  return `draft ${draft}: ${ours} of ${JSON.stringify(schema)} on ${JSON.stringify(document)}`;
}

const count = {schemas: 0, pairs: 0, valid: 0, refused: 0, decided: 0, differ: 0};
for (let i = 0; i < Number(schemaCount); ++i) {
  const seed = Number(firstSeed) + i;
  const draft = kDrafts[i % kDrafts.length];
  const random = new Random(seed);
  const schema = new Schemas(random, draft).root();
  // Without one ajv does not find "#" everywhere.
  if (typeof schema === "object") schema.$id = `http://example.com/${seed}`;
  const documents = Array.from(
      {length: kDocuments}, () => spell(random, valueFor(random, schema, schema, 6)));
  const answer = await ask(draft, schema, documents);
  ++count.schemas;
  // A schema that never comes to an end is refused; with it ajv runs out of stack.
  if (answer.startsWith("error: ") && answer.endsWith("without end")) {
    ++count.refused;
    continue;
  }
  let check;
  try {
    if (answer.startsWith("error: ")) throw new Error(answer);
    check = peerOf(draft, schema);
  } catch (error) {
    console.log(`seed ${seed}: ${error.message}\n  ${JSON.stringify(schema)}`);
    ++count.differ;
    continue;
  }
  for (let j = 0; j < kDocuments; ++j) {
    const ours = answer[j];
    const theirs = judge(check, documents[j]);
    ++count.pairs;
    if (ours === "v") ++count.valid;
    if (ours === theirs) continue;
    if (theirs === "x" || kDecided.some((rule) => rule.applies(schema, documents[j], ours, draft))) {
      ++count.decided;
      continue;
    }
    ++count.differ;
    console.log(`seed ${seed}, ${await shrink(draft, schema, documents[j])}, not of ajv`);
    break;
  }
}
child.stdin.end();

console.log(`differential json-schema: ${count.schemas} schemas (${count.refused} refused as endless), ` +
            `${count.pairs} pairs, ${count.valid} valid; ${count.decided} decided by the ` +
            `specification, ${count.differ} differ`);
process.exit(count.differ === 0 && count.pairs > 0 ? 0 : 1);
