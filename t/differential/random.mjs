// Random schemas and documents that a seed tells apart: what seed found today it finds tomorrow.

// mulmod-free 32-bit generator (Tommy Ettinger's mulberry32).
export class Random {
  constructor(seed) {
    this.state = seed >>> 0;
  }

  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  below(n) {
    return this.next() % n;
  }

  chance(percent) {
    return this.below(100) < percent;
  }

  pick(list) {
    return list[this.below(list.length)];
  }

  some(list, most) {
    return [...new Set(Array.from({length: 1 + this.below(most)}, () => this.pick(list)))];
  }
}

const kNames = ["a", "b", "c", "d", "aa", "ab", "x1", "é"];
const kStrings = ["", "a", "b", "ab", "aab", "é", "😀", "a1", "A", "12", " ", "a\nb"];
// Of patterns only what ECMA-262 and PCRE2 both know exactly is of interest here.
const kPatterns = ["^a", "b$", "^[a-b]+$", "\\d", "^.$", "^\\S*$", "(a|é)1?$", "^(?!a)", "x"];
const kNumbers = [0, 1, -1, 2, 3, 0.5, 1.5, -2.5, 10, 100, 1e3, 9007199254740991];
const kTypes = ["null", "boolean", "number", "integer", "string", "array", "object"];

export function randomValue(random, depth) {
  switch (random.below(depth > 0 ? 9 : 6)) {
    case 0:
      return null;
    case 1:
      return random.chance(50);
    case 2:
    case 3:
      return random.pick(kNumbers);
    case 4:
    case 5:
      return random.pick(kStrings);
    case 6:
      return Array.from({length: random.below(4)}, () => randomValue(random, depth - 1));
    default: {
      const object = {};
      const count = random.below(4);
      for (let i = 0; i < count; ++i) object[random.pick(kNames)] = randomValue(random, depth - 1);
      return object;
    }
  }
}

// Schemas of one draft, with names to refer to.
export class Schemas {
  constructor(random, draft) {
    this.random = random;
    this.modern = draft === "2020-12";
    this.definitions = this.modern ? "$defs" : "definitions";
    this.keywords = [
      "type", "enum", "const", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
      "multipleOf", "minLength", "maxLength", "pattern", "minItems", "maxItems", "uniqueItems",
      "items", "tuple", "contains", "minProperties", "maxProperties", "required", "properties",
      "properties", "patternProperties", "additionalProperties", "propertyNames", "allOf", "anyOf",
      "oneOf", "not", "if", "ref",
    ];
    if (this.modern) {
      this.keywords.push("dependentRequired", "dependentSchemas", "unevaluatedProperties",
                         "unevaluatedItems", "unevaluatedProperties", "unevaluatedItems",
                         "dynamicRef");
    } else {
      this.keywords.push("dependencies");
    }
  }

  root() {
    this.dynamic = this.modern && this.random.chance(30);
    const schema = this.schema(3);
    if (typeof schema === "boolean") return schema;
    schema[this.definitions] = {d: this.schema(2), e: this.schema(1)};
    if (this.dynamic) schema.$dynamicAnchor = "n";
    if (this.modern) schema[this.definitions].f = {$anchor: "f", ...Object(this.schema(1))};
    return schema;
  }

  schema(depth) {
    const {random} = this;
    if (random.chance(6)) return random.chance(60);
    const schema = {};
    const count = 1 + random.below(depth > 0 ? 4 : 3);
    for (let i = 0; i < count; ++i) this.add(schema, random.pick(this.keywords), depth);
    return schema;
  }

  list(depth) {
    return Array.from({length: 1 + this.random.below(3)}, () => this.schema(depth - 1));
  }

  map(names, depth) {
    const map = {};
    for (const name of this.random.some(names, 3)) map[name] = this.schema(depth - 1);
    return map;
  }

  add(schema, keyword, depth) {
    const {random} = this;
    const leaf = depth <= 0;
    switch (keyword) {
      case "type":
        schema.type = random.chance(70) ? random.pick(kTypes) : random.some(kTypes, 3);
        break;
      case "enum":
        schema.enum = [];
        for (let i = 1 + random.below(7); i > 0; --i) {
          const value = randomValue(random, 2);
          const text = JSON.stringify(value);
          if (!schema.enum.some((other) => JSON.stringify(other) === text)) schema.enum.push(value);
        }
        break;
      case "const":
        schema.const = randomValue(random, 2);
        break;
      case "minimum":
      case "maximum":
      case "exclusiveMinimum":
      case "exclusiveMaximum":
        schema[keyword] = random.pick(kNumbers);
        break;
      case "multipleOf":
        schema.multipleOf = random.pick([1, 2, 0.5, 3, 1.5]);
        break;
      case "minLength":
      case "maxLength":
      case "minItems":
      case "maxItems":
      case "minProperties":
      case "maxProperties":
        schema[keyword] = random.below(4);
        break;
      case "pattern":
        schema.pattern = random.pick(kPatterns);
        break;
      case "uniqueItems":
        schema.uniqueItems = random.chance(85);
        break;
      case "required":
        schema.required = random.some(kNames, 3);
        break;
      case "dependentRequired":
        schema.dependentRequired = {[random.pick(kNames)]: random.some(kNames, 2)};
        break;
      case "ref": {
        const targets = [`#/${this.definitions}/d`, `#/${this.definitions}/e`, "#"];
        if (this.modern) targets.push("#f");
        schema.$ref = random.pick(targets);
        break;
      }
      case "dynamicRef":
        // ajv takes any other anchor for the root.
        if (this.dynamic) schema.$dynamicRef = "#n";
        break;
      case "items":
        if (!leaf) schema.items = this.schema(depth - 1);
        break;
      case "tuple":
        if (leaf) break;
        if (this.modern) {
          schema.prefixItems = this.list(depth);
        } else {
          schema.items = this.list(depth);
          if (random.chance(60)) schema.additionalItems = this.schema(depth - 1);
        }
        break;
      case "contains":
        if (leaf) break;
        schema.contains = this.schema(depth - 1);
        if (this.modern && random.chance(40)) schema.minContains = random.below(3);
        if (this.modern && random.chance(40)) schema.maxContains = random.below(4);
        break;
      case "properties":
      case "dependentSchemas":
        if (!leaf) schema[keyword] = this.map(kNames, depth);
        break;
      case "dependencies":
        if (leaf) break;
        schema.dependencies = this.map(kNames, depth);
        schema.dependencies[random.pick(kNames)] = random.some(kNames, 2);
        break;
      case "patternProperties":
        if (!leaf) schema.patternProperties = this.map(kPatterns, depth);
        break;
      case "additionalProperties":
      case "propertyNames":
      case "not":
      case "unevaluatedProperties":
      case "unevaluatedItems":
        if (leaf) break;
        schema[keyword] = random.chance(25) ? random.chance(30) : this.schema(depth - 1);
        break;
      case "allOf":
      case "anyOf":
      case "oneOf":
        if (!leaf) schema[keyword] = this.list(depth);
        break;
      case "if":
        if (leaf) break;
        schema.if = this.schema(depth - 1);
        if (random.chance(80)) schema.then = this.schema(depth - 1);
        if (random.chance(80)) schema.else = this.schema(depth - 1);
        break;
    }
  }
}

// A value that has a fair chance to satisfy schema, a part of root.
export function valueFor(random, schema, root, depth) {
  if (typeof schema === "boolean" || depth <= 0 || random.chance(7)) return randomValue(random, 2);
  if ("const" in schema && random.chance(80)) return schema.const;
  if ("enum" in schema && random.chance(80)) return random.pick(schema.enum);
  const again = (other) => valueFor(random, other, root, depth - 1);
  if (schema.$ref?.startsWith("#/") && random.chance(70)) {
    return again(schema.$ref.slice(2).split("/").reduce((at, step) => at[step], root));
  }
  for (const keyword of ["anyOf", "oneOf", "allOf"]) {
    if (keyword in schema && random.chance(40)) return again(random.pick(schema[keyword]));
  }
  const said = [].concat(schema.type ?? []);
  const has = (...keywords) => keywords.some((keyword) => keyword in schema);
  if (said.length === 0) {
    if (has("properties", "required", "patternProperties", "additionalProperties", "propertyNames",
            "minProperties", "maxProperties", "dependentRequired", "dependentSchemas",
            "dependencies", "unevaluatedProperties")) {
      said.push("object");
    }
    if (has("items", "prefixItems", "contains", "minItems", "maxItems", "uniqueItems",
            "unevaluatedItems")) {
      said.push("array");
    }
    if (has("minLength", "maxLength", "pattern")) said.push("string");
    if (has("minimum", "maximum", "multipleOf")) said.push("number");
  }
  switch (random.pick(said.length > 0 ? said : kTypes)) {
    case "null":
      return null;
    case "boolean":
      return random.chance(50);
    case "number":
      return random.pick(kNumbers);
    case "integer":
      return random.below(12) - 2;
    case "string":
      return random.pick(kStrings);
    case "array": {
      const prefix = schema.prefixItems ?? (Array.isArray(schema.items) ? schema.items : []);
      const rest = (Array.isArray(schema.items) ? schema.additionalItems : schema.items) ??
          schema.contains ?? schema.unevaluatedItems ?? true;
      return Array.from({length: random.below(5)}, (_, i) => again(prefix[i] ?? rest));
    }
    default: {
      const object = {};
      for (const name of schema.required ?? []) object[name] = again(schema.properties?.[name] ?? true);
      for (const [name, part] of Object.entries(schema.properties ?? {})) {
        if (random.chance(60)) object[name] = again(part);
      }
      while (random.chance(40)) {
        object[random.pick(kNames)] =
            again(schema.additionalProperties ?? schema.unevaluatedProperties ?? true);
      }
      return object;
    }
  }
}

// The text of value, in which numbers are written in one of several ways.
export function spell(random, value) {
  const text = JSON.stringify(value);
  if (typeof value === "number") {
    if (Number.isInteger(value) && Math.abs(value) < 1e6 && random.chance(30)) {
      return random.pick([`${text}.0`, `${text}e0`, `${value * 100}e-2`, `${text}.00E+0`]);
    }
    return text;
  }
  if (Array.isArray(value)) return `[${value.map((one) => spell(random, one)).join(",")}]`;
  if (value === null || typeof value !== "object") return text;
  const members =
      Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}:${spell(random, one)}`);
  if (random.chance(30)) members.reverse();
  return `{${members.join(",")}}`;
}
