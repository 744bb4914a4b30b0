// Node's formidable and multiparty: node multipart_node.mjs FOLDER formidable|multiparty; lines as in
// t/conformance/multipart_verdicts.cpp.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';

const [, , folder, which] = process.argv;
const library = createRequire(folder + '/')(which);
const hex = (text) => Buffer.from(text ?? '', 'utf8').toString('hex');

function listen(form, request, resolve) {
  const parts = [];
  form.on('field', (name, value) => parts.push([hex(name), '-', hex(value)]));
  form.on('file', (name, file) => {
    const path = file.filepath ?? file.path;
    parts.push([hex(name), hex(file.originalFilename), readFileSync(path).toString('hex')]);
  });
  form.on('error', () => resolve('fault'));
  form.on(which === 'multiparty' ? 'close' : 'end', () => resolve(parts.map((part) => part.join(',') + ';').join('')));
  form.parse(request, () => {});
}

function answer(type, body) {
  return new Promise((resolve) => {
    const request = Readable.from([body]);
    request.headers = { 'content-type': type, 'content-length': String(body.length) };
    try {
      const form = which === 'multiparty'
        ? new library.Form({ autoFields: true, autoFiles: true })
        : library.formidable({ allowEmptyFiles: true, minFileSize: 0 });
      listen(form, request, resolve);
    } catch {
      resolve('fault');
    }
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const [type, body] = line.split(' ').map((text) => Buffer.from(text, 'hex'));
  console.log(await answer(type.toString('latin1'), body));
}
