// SPDX-License-Identifier: Apache-2.0 OR MIT
// @grpc/grpc-js as client of our server and as server of our client. usage: node ... PEER_TOOL
const grpc = require('@grpc/grpc-js');
const { spawn } = require('child_process');
const readline = require('readline');
const assert = require('assert');

const raw = (b) => b;
const method = (name, requestStream, responseStream) => ({
  path: '/test.Test/' + name, requestStream, responseStream,
  requestSerialize: raw, requestDeserialize: raw, responseSerialize: raw, responseDeserialize: raw,
});
const definition = {
  echo: method('Echo', false, false), sum: method('Sum', true, false),
  count: method('Count', false, true), chat: method('Chat', true, true),
  hang: method('Hang', false, false), missing: method('Missing', false, false),
};
const options = { 'grpc.max_receive_message_length': 128 << 20, 'grpc.max_send_message_length': 128 << 20 };

function u64s(...values) {
  const b = Buffer.alloc(8 * values.length);
  values.forEach((v, i) => b.writeBigUInt64LE(BigInt(v), 8 * i));
  return b;
}

async function asClient(port) {
  const Client = grpc.makeGenericClientConstructor(definition, 'test.Test');
  const c = new Client('127.0.0.1:' + port, grpc.credentials.createInsecure(), options);
  const unary = (name, bytes, o = {}) => new Promise((resolve, reject) =>
    c[name](bytes, new grpc.Metadata(), o, (e, r) => e ? reject(e) : resolve(r)));
  assert.equal((await unary('echo', Buffer.from('hello'))).toString(), 'hello');
  assert.equal((await unary('echo', Buffer.alloc(20 << 20))).length, 20 << 20);
  await assert.rejects(unary('echo', Buffer.from('fail:5:na\u00efve %')),
    (e) => e.code === 5 && e.details === 'na\u00efve %');
  await assert.rejects(unary('missing', Buffer.alloc(0)), (e) => e.code === 12);
  await assert.rejects(unary('hang', Buffer.alloc(0), { deadline: Date.now() + 100 }),
    (e) => e.code === 4);
  let bytes = 0;
  await new Promise((resolve, reject) => c.count(u64s(3000, 50))
    .on('data', (d) => { bytes += d.length; }).on('end', resolve).on('error', reject));
  assert.equal(bytes, 150000);
  const sum = await new Promise((resolve, reject) => {
    const call = c.sum((e, r) => e ? reject(e) : resolve(r));
    for (let i = 0; i < 1000; i++) call.write(Buffer.from('abc'));
    call.end();
  });
  assert.deepEqual(sum, u64s(1000, 3000));
  const meta = new grpc.Metadata();
  meta.set('x-who', 'js');
  const chat = c.chat(meta);
  const got = [];
  chat.on('data', (d) => got.push(d.toString()));
  const headers = await new Promise((resolve) => chat.on('metadata', resolve));
  assert.deepEqual(headers.get('x-hello'), ['js']); // before anything was sent
  for (let i = 0; i < 10; i++) chat.write(Buffer.from('' + i));
  chat.end();
  const status = await new Promise((resolve, reject) => chat.on('status', resolve).on('error', reject));
  assert.equal(status.details, 'bye');
  assert.equal(got.length, 10);
  c.close();
}

async function asServer(tool) {
  const server = new grpc.Server(options);
  server.addService(definition, {
    echo(call, done) {
      const m = /^fail:(\d+):(.*)$/s.exec(call.request.subarray(0, 100).toString());
      if (m) done({ code: +m[1], details: m[2] });
      else done(null, call.request);
    },
    sum(call, done) {
      let n = 0, bytes = 0;
      call.on('data', (d) => { n++; bytes += d.length; }).on('end', () => done(null, u64s(n, bytes)));
    },
    count(call) {
      const n = Number(call.request.readBigUInt64LE(0)), size = Number(call.request.readBigUInt64LE(8));
      for (let i = 0; i < n; i++) call.write(Buffer.alloc(size));
      call.end();
    },
    chat(call) {
      const meta = new grpc.Metadata();
      meta.set('x-hello', call.metadata.get('x-who')[0]);
      call.sendMetadata(meta);
      call.on('data', (d) => call.write(d)).on('end', () => call.end());
    },
    hang() {},
  });
  const port = await new Promise((resolve, reject) => server.bindAsync('127.0.0.1:0',
    grpc.ServerCredentials.createInsecure(), (e, p) => e ? reject(e) : resolve(p)));
  const child = spawn(tool, ['call', 'http://127.0.0.1:' + port], { stdio: 'inherit' });
  assert.equal(await new Promise((resolve) => child.on('exit', resolve)), 0);
  server.forceShutdown();
}

async function main() {
  const tool = process.argv[2];
  const child = spawn(tool, ['serve'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const port = await new Promise((resolve) =>
    readline.createInterface({ input: child.stdout }).once('line', resolve));
  await asClient(port);
  child.stdin.end();
  assert.equal(await new Promise((resolve) => child.on('exit', resolve)), 0);
  console.log('ok grpc-js as client');
  await asServer(tool);
  console.log('ok grpc-js as server');
}

main().catch((e) => { console.error('FAILED', e); process.exit(1); });
