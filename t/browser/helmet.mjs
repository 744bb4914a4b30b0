// The response fields that helmet sets by default, as one JSON object: names are helmet's.
//   node helmet.mjs MODULES

import { createRequire } from "node:module";

const helmet = createRequire(process.argv[2] + "/")("helmet");
const fields = {};
const response = { setHeader: (name, value) => { fields[name] = value; }, removeHeader: () => {} };
helmet()({ secure: true }, response, error => {
    if (error) throw error;
    console.log(JSON.stringify(fields));
});
