/**
 * Domain names as options of DHCP (RFC 3397) and of router advertisements (RFC 8106) carry them: labels, in DHCP with pointers.
 * A name that the wire brought is a value, never a key of an object; what is no host name (letters, digits, hyphen, underscore)
 * is left out.
 */

/** The longest name in its text form, RFC 1035 2.3.4, and the longest label. */
const LONGEST = 253;
const LONGEST_LABEL = 63;
const HYPHEN = 45;

/**
 * Whether `text` is a name that may be asked for: labels of 1..63 letters, digits, hyphens (inside) and underscores; 253 characters at
 * most, a final dot aside. Names come from the wire, so no regular expression reads them [attacks.md J4].
 */
export function isDomainName(text: string): boolean {
  const end = text.endsWith('.') ? text.length - 1 : text.length;
  if (end === 0 || end > LONGEST) return false;
  let begin = 0;
  for (let at = 0; at <= end; at++) {
    if (at < end && text[at] !== '.') {
      if (!isLetter(text.charCodeAt(at))) return false;
      continue;
    }
    const length = at - begin;
    if (length === 0 || length > LONGEST_LABEL) return false;
    if (text.charCodeAt(begin) === HYPHEN || text.charCodeAt(at - 1) === HYPHEN) return false;
    begin = at + 1;
  }
  return true;
}

function isLetter(code: number): boolean {
  const lower = code | 0x20;
  return (
    (lower >= 97 && lower <= 122 && code >= 65) ||
    (code >= 48 && code <= 57) ||
    code === HYPHEN ||
    code === 95
  );
}

/**
 * The names in `bytes`, one after the other, without the final dot; undefined if they are malformed. Pointers may only go back to
 * where they have not been, so reading ends. Names beyond `most` are not read.
 */
export function readDomainNames(bytes: Uint8Array, most: number = 16): readonly string[] | undefined {
  const names: string[] = [];
  let at = 0;
  while (at < bytes.length && names.length < most) {
    if (bytes[at] === 0) {
      at += 1; // padding [RFC 8106 5.2]
      continue;
    }
    const read = readName(bytes, at);
    if (read === undefined) return undefined;
    if (isDomainName(read.name)) names.push(read.name);
    at = read.end;
  }
  return names;
}

function readName(bytes: Uint8Array, start: number): { name: string; end: number } | undefined {
  const labels: string[] = [];
  let at = start;
  let earliest = start;
  let end: number | undefined;
  for (;;) {
    const length = bytes[at];
    if (length === undefined) return undefined;
    if (length === 0) return { name: labels.join('.'), end: end ?? at + 1 };
    if (length >= 0xc0) {
      const target = (length & 0x3f) * 256 + (bytes[at + 1] ?? 0);
      if (at + 1 >= bytes.length || target >= earliest) return undefined;
      end ??= at + 2;
      earliest = target;
      at = target;
    } else {
      if (length > 63 || at + 1 + length > bytes.length || labels.length > 127) return undefined;
      labels.push(String.fromCharCode(...bytes.subarray(at + 1, at + 1 + length)));
      at += 1 + length;
    }
  }
}

/** The names as labels, without pointers. Names that are none are left out. */
export function writeDomainNames(names: readonly string[]): Uint8Array {
  const bytes: number[] = [];
  for (const name of names) {
    if (!isDomainName(name)) continue;
    const bare = name.endsWith('.') ? name.slice(0, -1) : name;
    for (const label of bare.split('.')) {
      bytes.push(label.length, ...Array.from(label, (letter) => letter.charCodeAt(0)));
    }
    bytes.push(0);
  }
  return Uint8Array.from(bytes);
}
