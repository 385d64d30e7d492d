// Buffers, maps, JSON, compression, hashes, threads and processes.
'use strict';
const crypto = require('crypto');
const zlib = require('zlib');
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const { execFileSync } = require('child_process');

function generator(seed) {
  return (bound) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    return (seed >>> 8) % bound;
  };
}

function work(seed, rounds) {
  const chance = generator(seed);
  const held = new Map();
  for (let i = 0; i < rounds; i++) {
    const key = chance(300);
    held.set(key, Buffer.alloc(1 + chance(chance(10) ? 400 : 100000), key));
    if (chance(4) === 0) held.delete(chance(300));
  }
  const hash = crypto.createHash('sha256');
  for (const key of [...held.keys()].sort((a, b) => a - b)) hash.update(held.get(key));
  return hash.digest('hex');
}

if (!isMainThread) {
  parentPort.postMessage(work(workerData, 5000));
} else {
  const chance = generator(7);
  const rows = Array.from({ length: 5000 }, (_, id) => ({ id, name: 'n' + chance(100000), tags: ['a', chance(9)] }));
  const text = JSON.stringify(rows);
  console.log(text.length, JSON.stringify(JSON.parse(text)) === text);
  console.log(crypto.createHash('sha1').update(text).digest('hex'));
  for (const [pack, unpack] of [
    [zlib.gzipSync, zlib.gunzipSync],
    [zlib.deflateRawSync, zlib.inflateRawSync],
    [zlib.brotliCompressSync, zlib.brotliDecompressSync],
  ]) {
    const packed = pack(Buffer.from(text), pack === zlib.brotliCompressSync
      ? { params: { [zlib.constants.BROTLI_PARAM_QUALITY]: 5 } } : {});
    console.log(packed.length, unpack(packed).toString() === text);
  }
  console.log(crypto.pbkdf2Sync('word', 'salt', 500, 32, 'sha512').toString('hex'));
  const cipher = crypto.createCipheriv('aes-128-cbc', Buffer.alloc(16, 1), Buffer.alloc(16, 2));
  console.log(crypto.createHash('md5').update(Buffer.concat([cipher.update(text), cipher.final()])).digest('hex'));
  console.log(work(1, 10000), text.match(/n\d*7"/g).length);
  console.log(execFileSync(process.execPath, ['-e', 'console.log("a".repeat(100000).length)']).toString());

  const seeds = [11, 12, 13];
  Promise.all(seeds.map((seed) => new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: seed });
    worker.once('message', resolve);
    worker.once('error', reject);
  }))).then((hashes) => {
    hashes.forEach((hash, i) => console.log(hash, hash === work(seeds[i], 5000)));
    // The pool of threads behind asynchronous calls.
    return Promise.all(Array.from({ length: 16 }, (_, i) => new Promise((resolve) => {
      zlib.gzip(Buffer.alloc(200000, i), (error, packed) => resolve(error || zlib.gunzipSync(packed)[7]));
    })));
  }).then((all) => console.log(all.join()));
}
