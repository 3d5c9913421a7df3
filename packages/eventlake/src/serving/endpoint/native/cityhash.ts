/**
 * CityHash128 of Google's CityHash 1.0.2, which ClickHouse keeps for the checksums of its compressed blocks (later
 * versions differ). JavaScript has no 64-bit integers but BigInt, which is fifty times slower: each number here is two
 * 32-bit halves, low then high, in a register file; the functions take register numbers.
 */
export function cityHash128(bytes: Uint8Array): Uint8Array {
  const length = bytes.length;
  if (length >= 16) {
    load(SEED_LOW, bytes, 0);
    xor(SEED_LOW, SEED_LOW, K3);
    load(SEED_HIGH, bytes, 8);
    hashWithSeed(bytes.subarray(16));
  } else if (length >= 8) {
    set(T0, length);
    mul(T0, T0, K0);
    load(SEED_LOW, bytes, 0);
    xor(SEED_LOW, SEED_LOW, T0);
    load(SEED_HIGH, bytes, length - 8);
    xor(SEED_HIGH, SEED_HIGH, K1);
    hashWithSeed(bytes.subarray(0, 0));
  } else {
    move(SEED_LOW, K0);
    move(SEED_HIGH, K1);
    hashWithSeed(bytes);
  }
  const hash = new Uint8Array(16);
  const view = new DataView(hash.buffer);
  for (let i = 0; i < 4; i++) view.setInt32(4 * i, r[SEED_LOW + i]!, true);
  return hash;
}

const r = new Int32Array(64);
let registers = 0;
const register = () => {
  registers += 2;
  return registers - 2;
};
const constant = (high: number, low: number) => {
  const at = register();
  r[at] = low;
  r[at + 1] = high;
  return at;
};

// The seed comes in here and the hash goes out: next to each other, low then high.
const SEED_LOW = register();
const SEED_HIGH = register();
const K0 = constant(0xc3a5c85c, 0x97cb3127);
const K1 = constant(0xb492b66f, 0xbe98f273);
const K2 = constant(0x9ae16a3b, 0x2f90404f);
const K3 = constant(0xc949d7c7, 0x509e6557);
const MIX = constant(0x9ddfea08, 0xeb382d69);
const [T0, T1, T2, T3] = [register(), register(), register(), register()];
const [A, B, C, D] = [register(), register(), register(), register()];
const [X, Y, Z] = [register(), register(), register()];
const [V_LOW, V_HIGH, W_LOW, W_HIGH] = [register(), register(), register(), register()];
const [P, Q] = [register(), register()];

function hashWithSeed(bytes: Uint8Array): void {
  if (bytes.length < 128) murmur(bytes);
  else city(bytes);
}

/** CityHash128WithSeed for 128 bytes and more. */
function city(bytes: Uint8Array): void {
  const length = bytes.length;
  move(X, SEED_LOW);
  move(Y, SEED_HIGH);
  set(Z, length);
  mul(Z, Z, K1);
  // v.low = rotate(y ^ k1, 49) * k1 + s[0]; v.high = rotate(v.low, 42) * k1 + s[8]
  xor(V_LOW, Y, K1);
  rotate(V_LOW, V_LOW, 49);
  mul(V_LOW, V_LOW, K1);
  addLoad(V_LOW, bytes, 0);
  rotate(V_HIGH, V_LOW, 42);
  mul(V_HIGH, V_HIGH, K1);
  addLoad(V_HIGH, bytes, 8);
  // w.low = rotate(y + z, 35) * k1 + x; w.high = rotate(x + s[88], 53) * k1
  add(W_LOW, Y, Z);
  rotate(W_LOW, W_LOW, 35);
  mul(W_LOW, W_LOW, K1);
  add(W_LOW, W_LOW, X);
  load(W_HIGH, bytes, 88);
  add(W_HIGH, W_HIGH, X);
  rotate(W_HIGH, W_HIGH, 53);
  mul(W_HIGH, W_HIGH, K1);

  let at = 0;
  for (; at + 128 <= length; at += 128) {
    round(bytes, at);
    round(bytes, at + 64);
  }

  // y += rotate(w.low, 37) * k0 + z; x += rotate(v.low + z, 49) * k0
  rotate(T0, W_LOW, 37);
  mul(T0, T0, K0);
  add(T0, T0, Z);
  add(Y, Y, T0);
  add(T0, V_LOW, Z);
  rotate(T0, T0, 49);
  mul(T0, T0, K0);
  add(X, X, T0);
  for (let done = 0; done < length - at; ) {
    done += 32;
    // y = rotate(y - x, 42) * k0 + v.high; w.low += s[-done + 16]; x = rotate(x, 49) * k0 + w.low; w.low += v.low
    subtract(Y, Y, X);
    rotate(Y, Y, 42);
    mul(Y, Y, K0);
    add(Y, Y, V_HIGH);
    addLoad(W_LOW, bytes, length - done + 16);
    rotate(X, X, 49);
    mul(X, X, K0);
    add(X, X, W_LOW);
    add(W_LOW, W_LOW, V_LOW);
    move(P, V_LOW);
    move(Q, V_HIGH);
    weakHash(V_LOW, bytes, length - done, P, Q);
  }
  mix(X, X, V_LOW);
  mix(Y, Y, W_LOW);
  add(T0, X, V_HIGH);
  mix(SEED_LOW, T0, W_HIGH);
  add(SEED_LOW, SEED_LOW, Y);
  add(T0, X, W_HIGH);
  add(T1, Y, V_HIGH);
  mix(SEED_HIGH, T0, T1);
}

/** One of the two equal halves of the main loop. */
function round(bytes: Uint8Array, at: number): void {
  add(X, X, Y);
  add(X, X, V_LOW);
  addLoad(X, bytes, at + 16);
  rotate(X, X, 37);
  mul(X, X, K1);
  add(Y, Y, V_HIGH);
  addLoad(Y, bytes, at + 48);
  rotate(Y, Y, 42);
  mul(Y, Y, K1);
  xor(X, X, W_HIGH);
  xor(Y, Y, V_LOW);
  xor(Z, Z, W_LOW);
  rotate(Z, Z, 33);
  mul(P, V_HIGH, K1);
  add(Q, X, W_LOW);
  weakHash(V_LOW, bytes, at, P, Q);
  add(P, Z, W_HIGH);
  move(Q, Y);
  weakHash(W_LOW, bytes, at + 32, P, Q);
  move(T0, Z);
  move(Z, X);
  move(X, T0);
}

/** CityMurmur, for fewer than 128 bytes. */
function murmur(bytes: Uint8Array): void {
  const length = bytes.length;
  move(A, SEED_LOW);
  move(B, SEED_HIGH);
  if (length <= 16) {
    mul(A, A, K1);
    shiftMix(A);
    mul(A, A, K1);
    hashUpTo16(C, bytes);
    mul(T0, B, K1);
    add(C, C, T0);
    if (length >= 8) load(D, bytes, 0);
    else move(D, C);
    add(D, D, A);
    shiftMix(D);
  } else {
    load(T1, bytes, length - 8);
    add(T1, T1, K1);
    mix(C, T1, A);
    set(T1, length);
    add(T1, T1, B);
    load(T2, bytes, length - 16);
    add(T2, T2, C);
    mix(D, T1, T2);
    add(A, A, D);
    for (let at = 0; at < length - 16; at += 16) {
      murmurStep(A, bytes, at);
      xor(B, B, A);
      murmurStep(C, bytes, at + 8);
      xor(D, D, C);
    }
  }
  mix(A, A, C);
  mix(B, D, B);
  xor(SEED_LOW, A, B);
  mix(SEED_HIGH, B, A);
}

/** to = (to ^ shiftMix(s[at] * k1) * k1) * k1 */
function murmurStep(to: number, bytes: Uint8Array, at: number): void {
  load(T0, bytes, at);
  mul(T0, T0, K1);
  shiftMix(T0);
  mul(T0, T0, K1);
  xor(to, to, T0);
  mul(to, to, K1);
}

function hashUpTo16(to: number, bytes: Uint8Array): void {
  const length = bytes.length;
  if (length > 8) {
    load(T1, bytes, 0);
    load(T2, bytes, length - 8);
    set(T3, length);
    add(T3, T3, T2);
    rotate(T3, T3, length);
    mix(to, T1, T3);
    xor(to, to, T2);
  } else if (length >= 4) {
    set(T1, bytes[0]! | (bytes[1]! << 8) | (bytes[2]! << 16) | (bytes[3]! << 24));
    r[T1 + 1] = r[T1]! >>> 29;
    r[T1] = (r[T1]! << 3) + length;
    if (r[T1]! >>> 0 < length) r[T1 + 1] = r[T1 + 1]! + 1;
    const end = length - 4;
    set(T2, bytes[end]! | (bytes[end + 1]! << 8) | (bytes[end + 2]! << 16) | (bytes[end + 3]! << 24));
    mix(to, T1, T2);
  } else if (length > 0) {
    set(T1, bytes[0]! + (bytes[length >> 1]! << 8));
    mul(T1, T1, K2);
    set(T2, length + (bytes[length - 1]! << 2));
    mul(T2, T2, K3);
    xor(to, T1, T2);
    shiftMix(to);
    mul(to, to, K2);
  } else {
    move(to, K2);
  }
}

/** WeakHashLen32WithSeeds: (to, to + 1 register) from 32 bytes and two seeds, which it uses up. */
function weakHash(to: number, bytes: Uint8Array, at: number, a: number, b: number): void {
  addLoad(a, bytes, at);
  load(T1, bytes, at + 24);
  add(b, b, a);
  add(b, b, T1);
  rotate(b, b, 21);
  move(T2, a);
  addLoad(a, bytes, at + 8);
  addLoad(a, bytes, at + 16);
  rotate(T3, a, 44);
  add(b, b, T3);
  add(to, a, T1);
  add(to + 2, b, T2);
}

/** Hash128to64 */
function mix(to: number, low: number, high: number): void {
  xor(T0, low, high);
  mul(T0, T0, MIX);
  foldHigh(T0);
  xor(T0, T0, high);
  mul(T0, T0, MIX);
  foldHigh(T0);
  mul(to, T0, MIX);
}

/** a ^= a >>> 47 */
function foldHigh(a: number): void {
  r[a] = r[a]! ^ (r[a + 1]! >>> 15);
}

const shiftMix = foldHigh;

function set(to: number, value: number): void {
  r[to] = value;
  r[to + 1] = 0;
}

function move(to: number, from: number): void {
  r[to] = r[from]!;
  r[to + 1] = r[from + 1]!;
}

function load(to: number, b: Uint8Array, at: number): void {
  r[to] = b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24);
  r[to + 1] = b[at + 4]! | (b[at + 5]! << 8) | (b[at + 6]! << 16) | (b[at + 7]! << 24);
}

function addLoad(to: number, b: Uint8Array, at: number): void {
  const low = b[at]! | (b[at + 1]! << 8) | (b[at + 2]! << 16) | (b[at + 3]! << 24);
  const high = b[at + 4]! | (b[at + 5]! << 8) | (b[at + 6]! << 16) | (b[at + 7]! << 24);
  const sum = (r[to]! >>> 0) + (low >>> 0);
  r[to + 1] = r[to + 1]! + high + (sum > 0xffffffff ? 1 : 0);
  r[to] = sum;
}

function add(to: number, a: number, b: number): void {
  const sum = (r[a]! >>> 0) + (r[b]! >>> 0);
  r[to + 1] = r[a + 1]! + r[b + 1]! + (sum > 0xffffffff ? 1 : 0);
  r[to] = sum;
}

function subtract(to: number, a: number, b: number): void {
  const borrow = r[a]! >>> 0 < r[b]! >>> 0 ? 1 : 0;
  r[to + 1] = r[a + 1]! - r[b + 1]! - borrow;
  r[to] = r[a]! - r[b]!;
}

function xor(to: number, a: number, b: number): void {
  r[to] = r[a]! ^ r[b]!;
  r[to + 1] = r[a + 1]! ^ r[b + 1]!;
}

/** To the right, by 1 to 63 bits. */
function rotate(to: number, a: number, bits: number): void {
  const low = bits < 32 ? r[a]! : r[a + 1]!;
  const high = bits < 32 ? r[a + 1]! : r[a]!;
  const n = bits & 31;
  if (n === 0) {
    r[to] = low;
    r[to + 1] = high;
  } else {
    r[to] = (low >>> n) | (high << (32 - n));
    r[to + 1] = (high >>> n) | (low << (32 - n));
  }
}

function mul(to: number, a: number, b: number): void {
  const aLow = r[a]!;
  const bLow = r[b]!;
  const a0 = aLow & 0xffff;
  const a1 = aLow >>> 16;
  const b0 = bLow & 0xffff;
  const b1 = bLow >>> 16;
  const p00 = Math.imul(a0, b0) >>> 0;
  const p01 = Math.imul(a0, b1) >>> 0;
  const p10 = Math.imul(a1, b0) >>> 0;
  const middle = (p00 >>> 16) + (p01 & 0xffff) + (p10 & 0xffff);
  const high = Math.imul(a1, b1) + (p01 >>> 16) + (p10 >>> 16) + (middle >>> 16);
  r[to + 1] = high + Math.imul(r[a + 1]!, bLow) + Math.imul(aLow, r[b + 1]!);
  r[to] = (p00 & 0xffff) | (middle << 16);
}
