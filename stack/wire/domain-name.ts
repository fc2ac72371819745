/**
 * Domain names as options of DHCP (RFC 3397) and of router advertisements (RFC 8106) carry them: labels, in DHCP with pointers.
 * A name that the wire brought is a value, never a key of an object; what is no host name (letters, digits, hyphen, underscore)
 * is left out.
 */

/** The longest name in its text form, RFC 1035 2.3.4. */
const LONGEST = 253;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/i;

/** Whether `text` is a name that may be asked for: labels of 1..63 letters, digits, hyphens; 253 characters at most. */
export function isDomainName(text: string): boolean {
  const name = text.endsWith('.') ? text.slice(0, -1) : text;
  return name.length > 0 && name.length <= LONGEST && name.split('.').every((label) => LABEL.test(label));
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
    for (const label of name.replace(/\.$/, '').split('.')) {
      bytes.push(label.length, ...Array.from(label, (letter) => letter.charCodeAt(0)));
    }
    bytes.push(0);
  }
  return Uint8Array.from(bytes);
}
