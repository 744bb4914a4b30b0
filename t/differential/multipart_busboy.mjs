// Node's busboy, which multer, fastify and others use; lines as in t/conformance/multipart_verdicts.cpp.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const busboy = createRequire(process.argv[2] + '/')('busboy');
const hex = (text, encoding) => Buffer.from(text, encoding).toString('hex');

function answer(type, body) {
  return new Promise((resolve) => {
    const parts = [];
    let parser;
    try {
      parser = busboy({ headers: { 'content-type': type }, defParamCharset: 'utf8' });
    } catch {
      return resolve('fault');
    }
    parser.on('field', (name, value) => parts.push([hex(name ?? '', 'utf8'), '-', hex(value, 'utf8')]));
    parser.on('file', (name, stream, info) => {
      const part = [hex(name ?? '', 'utf8'), hex(info.filename ?? '', 'utf8'), ''];
      parts.push(part);
      stream.on('data', (bytes) => { part[2] += bytes.toString('hex'); });
      stream.on('error', () => {});
    });
    parser.on('error', () => resolve('fault'));
    parser.on('close', () => resolve(parts.map((part) => part.join(',') + ';').join('')));
    parser.end(body);
  });
}

for await (const line of createInterface({ input: process.stdin })) {
  const [type, body] = line.split(' ').map((text) => Buffer.from(text, 'hex'));
  console.log(await answer(type.toString('latin1'), body));
}
