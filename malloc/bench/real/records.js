// Records in JavaScript: buffers, compression, JSON, maps, regular expressions.
//
// Stands for a server's middle layer. The engine keeps small objects in a heap of its own; buffers, what
// the compressor works with, and what the engine compiles come from malloc. Prints a checksum. Argument:
// percent of the work, 100 unless told.
'use strict';

const zlib = require('zlib');

const percent = Number(process.argv[2] ?? 100);
let state = 2463534242;

// xorshift32: Marsaglia, "Xorshift RNGs", 2003.
function below(limit) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % limit;
}

let checksum = 0;
function count(bytes) {
  for (let i = 0; i < bytes.length; i += 7) checksum = (Math.imul(checksum, 31) + bytes[i]) >>> 0;
}

const words = Array.from({ length: 2000 }, (_, i) => `word${i}`.padEnd(4 + (i % 30), 'abcdefgh'));
const stored = new Map();
for (let i = 0; i < percent * 60; i++) {
  const text = Array.from({ length: 20 + below(200) }, () => words[below(words.length)]).join(' ');
  const record = { id: i, tags: text.match(/word\d+7/g) ?? [], text, parts: [] };
  for (let part = 0; part < 12; part++) {
    const bytes = Buffer.allocUnsafeSlow(16 + below(below(8) === 0 ? 60000 : 2000));
    bytes.fill(below(256));
    count(bytes);
    record.parts.push(bytes.length);
    if (part % 4 === 0) stored.set(`part-${below(3000)}`, bytes);
  }
  const json = JSON.stringify(record);
  const packed = zlib.deflateSync(json, { level: 3, windowBits: 9 + (i % 7), memLevel: 1 + (i % 8) });
  stored.set(`record-${below(800)}`, packed);
  const again = stored.get(`record-${below(800)}`);
  if (again) {
    const found = JSON.parse(zlib.inflateSync(again));
    checksum = (checksum + found.id + found.tags.length) >>> 0;
  }
  if (i % 50 === 0) {
    const compiled = new Function('a', `let sum = ${i}; for (const x of a) sum = (sum * 33 + x) >>> 0; return sum;`);
    checksum = (checksum + compiled(record.parts)) >>> 0;
  }
}
for (const key of [...stored.keys()].sort()) count(stored.get(key));
console.log(`checksum ${checksum.toString(16).padStart(8, '0')}`);
