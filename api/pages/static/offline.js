"use strict";
// What a QR code states, checked on this device: base45, deflate, COSE_Sign1 (ES256), CBOR, and the trust list that
// this browser keeps. The same rules as signing/statement.py and signing/offline.py; nothing is sent anywhere.
const statements = (() => {
  const LIST_ADDRESS = "/v1/statement-keys";
  const LIST_KEPT = "statement-keys";
  const LIST_OLD_MS = 30 * 86400e3;
  const CLOCKS_DIFFER_MS = 5 * 60e3;
  const TEXT_MAX = 1200;
  const INFLATED_MAX = 1024;
  const DEPTH_MAX = 8;
  const CERTIFICATE = -65537;
  const HOLDERS_MAX = 10000;
  const DIGEST_BYTES = 12;
  // The first and last day that have four digits, and the last second that has them in China, too.
  const DAY_MIN = -719162;
  const DAY_MAX = 2932896;
  const SECOND_MIN = DAY_MIN * 86400;
  const SECOND_MAX = (DAY_MAX + 1) * 86400 - 8 * 3600 - 1;
  // Control characters, line ends, and marks that reorder text.
  const UNPRINTABLE = /[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/;
  const STATUSES = ["valid", "suspended", "superseded", "cancelled", "withdrawn", "revoked", "abolished"];
  // The first is said by saying nothing.
  const ORIGINS = ["born_sealed", "typeset_anew", "scan_attested", "scan_unverified"];

  // Thrown for a statement that is none; any other error is this browser's, and says nothing of the statement.
  class Refused extends Error {}
  const refuse = (why) => {
    throw new Refused(why);
  };

  const base45 = (text) => {
    const values = [...text].map((c) => "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:".indexOf(c));
    if (values.includes(-1) || values.length % 3 === 1) refuse("base45");
    const bytes = [];
    for (let i = 0; i < values.length; i += 3) {
      const group = values.slice(i, i + 3);
      const number = group.reduce((sum, value, place) => sum + value * 45 ** place, 0);
      if (number >= 256 ** (group.length - 1)) refuse("base45");
      if (group.length === 3) bytes.push(number >> 8);
      bytes.push(number & 255);
    }
    return Uint8Array.from(bytes);
  };

  // Stops as soon as there is more than a statement can have: a bomb is not inflated.
  const inflated = async (bytes) => {
    const parts = [];
    const inflating = new DecompressionStream("deflate-raw"); // older browsers have none, or not this form
    const reader = new Blob([bytes]).stream().pipeThrough(inflating).getReader();
    const next = () => reader.read().catch(() => refuse("deflate"));
    for (let part = await next(); !part.done; part = await next()) {
      if (parts.length + part.value.length > INFLATED_MAX) refuse("deflate");
      parts.push(...part.value);
    }
    return Uint8Array.from(parts);
  };

  const utf8 = (bytes) => {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    } catch {
      return refuse("cbor");
    }
  };

  // The deterministic part of CBOR that statements are written in; maps have numbers as keys.
  const cbor = (bytes) => {
    let place = 0;
    const take = (size) => {
      if (place + size > bytes.length) refuse("cbor");
      place += size;
      return bytes.subarray(place - size, place);
    };
    const head = () => {
      const first = take(1)[0];
      const information = first & 31;
      if (information < 24) return [first >> 5, information];
      const size = { 24: 1, 25: 2, 26: 4, 27: 8 }[information] ?? refuse("cbor");
      const argument = take(size).reduce((sum, byte) => sum * 256 + byte, 0);
      if (argument < (size === 1 ? 24 : 256 ** (size / 2)) || argument > Number.MAX_SAFE_INTEGER) refuse("cbor");
      return [first >> 5, argument];
    };
    const value = (depth) => {
      if (depth > DEPTH_MAX) refuse("cbor");
      const [kind, argument] = head();
      if (kind === 0) return argument;
      if (kind === 1) return -1 - argument;
      if (kind === 2) return take(argument);
      if (kind === 3) return utf8(take(argument));
      if (kind === 6) return { tag: argument, value: value(depth + 1) };
      if ((kind !== 4 && kind !== 5) || argument > bytes.length - place) refuse("cbor");
      if (kind === 4) return Array.from({ length: argument }, () => value(depth + 1));
      const entries = new Map();
      let before = "";
      for (let i = 0; i < argument; i += 1) {
        const start = place;
        const key = value(depth + 1);
        const written = hex(bytes.subarray(start, place));
        if (typeof key !== "number" || written <= before) refuse("cbor");
        before = written;
        entries.set(key, value(depth + 1));
      }
      return entries;
    };
    const found = value(0);
    if (place !== bytes.length) refuse("cbor");
    return found;
  };

  const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const isBytes = (value, size) => value instanceof Uint8Array && (size === undefined || value.length === size);

  const sign1 = (bytes) => {
    const { tag, value } = cbor(bytes);
    if (tag !== 18 || !Array.isArray(value) || value.length !== 4) refuse("cose");
    const [protectedHeader, unprotected, payload, signature] = value;
    if (!isBytes(protectedHeader) || !isBytes(payload) || !isBytes(signature, 64)) refuse("cose");
    if (!(unprotected instanceof Map) || unprotected.size) refuse("cose");
    const header = cbor(protectedHeader);
    if (!(header instanceof Map) || header.size !== 2 || header.get(1) !== -7 || !isBytes(header.get(4), 8)) {
      refuse("cose");
    }
    return { protectedHeader, payload, signature, kid: hex(header.get(4)) };
  };

  // Sig_structure (RFC 9052, 4.4): ["Signature1", protected, h'', payload].
  const signedBytes = ({ protectedHeader, payload }) => {
    const bytes = (content) => {
      const size = content.length;
      const start = size < 24 ? [0x40 | size] : size < 256 ? [0x58, size] : [0x59, size >> 8, size & 255];
      return [...start, ...content];
    };
    const context = [0x84, 0x6a, ...new TextEncoder().encode("Signature1")];
    return Uint8Array.from([...context, ...bytes(protectedHeader), 0x40, ...bytes(payload)]);
  };

  const whole = (value, least, most) =>
    Number.isInteger(value) && value >= least && value <= most ? value : refuse("claims");

  const day = (days) => new Date(whole(days, DAY_MIN, DAY_MAX) * 86400e3).toISOString().slice(0, 10);

  // ISO/IEC 7064 MOD 37,36.
  const checkCharacter = (text) => {
    let product = 36;
    for (const character of text) product = ((((product + parseInt(character, 36)) % 36) || 36) * 2) % 37;
    return ((37 - product) % 36).toString(36).toUpperCase();
  };

  const identifier = (packed) => {
    if (!packed[0]) refuse("claims");
    const number = BigInt(`0x${hex(packed)}`).toString(36).toUpperCase();
    const parts = /^1([0-9A-Z]{21})([0-9A-Z]{18})([0-9A-Z]{1,64})([0-9]{3})([0-9A-Z])$/.exec(number);
    if (!parts || parts[4] === "000" || checkCharacter(parts.slice(1, 5).join("")) !== parts[5]) refuse("claims");
    return ["1.2.156.3005.2", ...parts.slice(1)].join(".");
  };

  const certificate = (claims) => {
    if (!(claims instanceof Map) || claims.size !== 2) refuse("claims");
    const found = claims.get(CERTIFICATE);
    if (!(found instanceof Map) || [...found.keys()].some((key) => key < 1 || key > 12)) refuse("claims");
    const text = (key) => {
      const value = found.get(key);
      return typeof value === "string" && !UNPRINTABLE.test(value) ? value : refuse("claims");
    };
    if (!isBytes(found.get(1)) || found.has(9) === found.has(10)) refuse("claims");
    if (!isBytes(found.get(found.has(9) ? 9 : 10), DIGEST_BYTES)) refuse("claims");
    return {
      identifier: identifier(found.get(1)),
      type: text(2),
      authority: text(3),
      holder: text(4),
      holders: found.has(5) ? whole(found.get(5), 0, HOLDERS_MAX) : 1,
      issuedOn: day(found.get(6)),
      validFrom: day(found.get(7)),
      validTo: found.has(8) ? day(found.get(8)) : null,
      status: STATUSES[whole(found.get(11), 0, STATUSES.length - 1)],
      origin: ORIGINS[found.has(12) ? whole(found.get(12), 1, ORIGINS.length - 1) : 0],
      asOf: new Date(whole(claims.get(6), SECOND_MIN, SECOND_MAX) * 1000),
    };
  };

  const trustList = (note) => {
    const list = JSON.parse(note.split("\n")[1]);
    if (list.version !== 1 || list.vault === undefined) refuse("list");
    return list;
  };

  const isSigned = async (signed, key) => {
    const jwk = { kty: "EC", crv: "P-256", x: key.x, y: key.y };
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    const imported = await crypto.subtle.importKey("jwk", jwk, algorithm, false, ["verify"]);
    return crypto.subtle.verify(algorithm, imported, signed.signature, signedBytes(signed));
  };

  const chinaDay = (at) => new Intl.DateTimeFormat("en-CA", { timeZone: "Asia/Shanghai" }).format(at);

  const proved = async (signed, stated, list, now) => {
    if (stated.asOf - now > CLOCKS_DIFFER_MS) return "not_genuine";
    const key = list?.keys.find(({ kid }) => kid === signed.kid);
    if (!key || !globalThis.crypto?.subtle) return "not_proven"; // without TLS there is none
    if (!(await isSigned(signed, key))) return "not_genuine";
    if (key.revoked_at) return "not_proven";
    if (stated.asOf < new Date(key.signs_from)) return "not_genuine";
    if (key.signs_until && stated.asOf >= new Date(key.signs_until)) return "not_genuine";
    return "genuine";
  };

  const notInForce = (stated, today) => {
    if (stated.status !== "valid") return stated.status;
    if (today < stated.validFrom) return "not_yet_valid";
    return stated.validTo && today > stated.validTo ? "expired" : null;
  };

  // What the text of a QR's fragment states, and what of it is proved; `list` null where this browser has none.
  // Where the browser itself cannot read or check it, nothing is proved, and nothing held against the statement.
  const judge = async (text, list, now) => {
    try {
      if (text.length > TEXT_MAX) refuse("text");
      const signed = sign1(await inflated(base45(text)));
      const stated = certificate(cbor(signed.payload));
      const verdict = await proved(signed, stated, list, now);
      const reason = verdict === "genuine" ? notInForce(stated, chinaDay(now)) : null;
      return { verdict: reason ? "not_in_force" : verdict, reason, stated };
    } catch (error) {
      return { verdict: error instanceof Refused ? "not_genuine" : "not_proven", reason: null, stated: null };
    }
  };

  // The list from the vault where there is a network, else the one that is kept; null where there is neither.
  const fetchList = async (signal) => {
    try {
      const answer = await fetch(LIST_ADDRESS, { signal });
      const note = await answer.text();
      const list = answer.ok ? trustList(note) : refuse("list");
      keep(note);
      return list;
    } catch {
      return kept();
    }
  };
  const keep = (note) => {
    try {
      localStorage.setItem(LIST_KEPT, note);
    } catch {
      // A browser that keeps nothing checks with a network only.
    }
  };
  const kept = () => {
    try {
      return trustList(localStorage.getItem(LIST_KEPT));
    } catch {
      return null;
    }
  };

  const isOld = (list, now) => list !== null && now - new Date(list.made_at) > LIST_OLD_MS;

  return { judge, fetchList, kept, isOld };
})();
