#!/usr/bin/env python3
"""Verifies an export of a Careline record. Needs Python 3.8 and nothing else; docs/record-format.md is what it follows.

    verify-record.py EXPORT [--witness FOLDER] [--key LINE ...]

EXPORT   one organization's export: a folder with about.json, entries.jsonl, checkpoints.jsonl, keys.txt, or the one file
         that the page of the record hands out
--witness  a copy of the organization's folder `checkpoints` in the second place; every checkpoint is compared with it
--key      a public key you were given by another way, as `careline keys public` prints it; only these are believed

Exit code 0: it holds; 10: an entry is missing; 11: an entry was altered; 13: a signed checkpoint disagrees; 2: the export
cannot be read. What this cannot check are the marks of entries, because their key is secret.
"""
import argparse
import base64
import binascii
import hashlib
import json
import os
import re
import sys
import uuid

MISSING, ALTERED, CHECKPOINT, UNREADABLE = 10, 11, 13, 2


class Fault(Exception):
    def __init__(self, code, words):
        super().__init__(words)
        self.code = code


# --- CBOR (RFC 8949), as much of it as an entry needs ----------------------------------------------------------------

def head(major, number):
    if number < 24:
        return bytes([major << 5 | number])
    for extra, size in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if number < 1 << (8 * size):
            return bytes([major << 5 | extra]) + number.to_bytes(size, "big")
    raise Fault(ALTERED, "a number has more than 64 bits")


def cbor(value):
    if value is None:
        return b"\xf6"
    if isinstance(value, bool):
        raise Fault(ALTERED, "true and false are in no entry")
    if isinstance(value, int):
        return head(0, value) if value >= 0 else head(1, -1 - value)
    if isinstance(value, bytes):
        return head(2, len(value)) + value
    if isinstance(value, str):
        encoded = value.encode("utf-8")
        return head(3, len(encoded)) + encoded
    if isinstance(value, list):
        return head(4, len(value)) + b"".join(cbor(one) for one in value)
    if isinstance(value, dict):
        pairs = sorted(value.items(), key=lambda pair: pair[0].encode("utf-8"))
        return head(5, len(pairs)) + b"".join(cbor(name) + cbor(one) for name, one in pairs)
    raise Fault(ALTERED, "a value of no known kind")


def canonical(entry):
    def identifier(text):
        return None if text is None else uuid.UUID(text).bytes

    columns = [
        entry["id"], entry["actor_kind"], identifier(entry["actor_id"]), entry["actor_role"], entry["deed"],
        identifier(entry["patient_id"]), identifier(entry["subject"]), entry["detail"], entry["at_micros"],
    ]
    if entry["mark"] is not None:
        columns += [entry["xid"], entry["mark_key"], bytes.fromhex(entry["nonce"]), bytes.fromhex(entry["mark"])]
    return cbor(columns)


def entry_hash(organization, seq, previous, entry):
    content = b"\x01" + organization.bytes + seq.to_bytes(8, "big") + previous + canonical(entry)
    return hashlib.sha256(content).digest()


# --- Ed25519 (RFC 8032, section 5.1) ---------------------------------------------------------------------------------

P = 2 ** 255 - 19
ORDER = 2 ** 252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_ONE = pow(2, (P - 1) // 4, P)


def add(one, other):
    a = (one[1] - one[0]) * (other[1] - other[0]) % P
    b = (one[1] + one[0]) * (other[1] + other[0]) % P
    c = 2 * one[3] * other[3] * D % P
    d = 2 * one[2] * other[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    product = (0, 1, 1, 0)
    while number > 0:
        if number & 1:
            product = add(product, point)
        point = add(point, point)
        number >>= 1
    return product


def same(one, other):
    return (one[0] * other[2] - other[0] * one[2]) % P == 0 and (one[1] * other[2] - other[1] * one[2]) % P == 0


def recover_x(y, sign):
    if y >= P:
        return None
    squared = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    if squared == 0:
        return None if sign else 0
    x = pow(squared, (P + 3) // 8, P)
    if (x * x - squared) % P != 0:
        x = x * ROOT_OF_MINUS_ONE % P
    if (x * x - squared) % P != 0:
        return None
    return P - x if (x & 1) != sign else x


def decompress(encoded):
    number = int.from_bytes(encoded, "little")
    y = number & ((1 << 255) - 1)
    x = recover_x(y, number >> 255)
    return None if x is None else (x, y, 1, x * y % P)


BASE_Y = 4 * pow(5, P - 2, P) % P
BASE_X = recover_x(BASE_Y, 0)
BASE = (BASE_X, BASE_Y, 1, BASE_X * BASE_Y % P)


def signed(public, message, signature):
    if len(public) != 32 or len(signature) != 64:
        return False
    a, r = decompress(public), decompress(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    return same(times(s, BASE), add(r, times(k, a)))


# --- Checkpoints (C2SP signed-note) ----------------------------------------------------------------------------------

def read_key(line):
    parts = line.strip().split("+", 2)
    try:
        name, identifier, key = parts[0], bytes.fromhex(parts[1]), base64.b64decode(parts[2], validate=True)
    except (IndexError, ValueError, binascii.Error):
        raise Fault(UNREADABLE, "a line of the keys is no key")
    if len(key) != 33 or key[0] != 1:
        raise Fault(UNREADABLE, "the key %s is not one of Ed25519" % name)
    if hashlib.sha256(name.encode() + b"\n" + key).digest()[:4] != identifier:
        raise Fault(UNREADABLE, "the key %s does not have the id it claims" % name)
    return name, identifier, key[1:]


def read_checkpoint(organization, size, note, keys):
    """What a note says, after its signature was found good."""
    def wrong(why):
        raise Fault(CHECKPOINT, "the checkpoint of %s entries: %s" % (size, why))

    form = re.fullmatch(
        "careline/([0-9a-f-]{36})\n([0-9]+)\n([A-Za-z0-9+/]{43}=)\nprevious ([A-Za-z0-9+/]{43}=)\nat ([^\n]+)\n"
        "\n\u2014 (\\S+) ([A-Za-z0-9+/]+=*)\n", note)
    if form is None or form.group(1) != str(organization) or form.group(2) != str(size):
        wrong("its note does not say what its row says")
    signature = base64.b64decode(form.group(7), validate=True)
    if base64.b64encode(signature).decode() != form.group(7):
        wrong("its note does not say what its row says")
    key = next((key for key in keys if (key[0], key[1]) == (form.group(6), signature[:4])), None)
    text = note[: note.index("\n\n") + 1].encode("utf-8")
    if key is None or not signed(key[2], text, signature[4:]):
        wrong("no key of theirs signed it")
    return base64.b64decode(form.group(3)), base64.b64decode(form.group(4))


# --- The export ------------------------------------------------------------------------------------------------------

def lines_of(path):
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)


def is_checkpoint(line):
    return isinstance(line, dict) and "note" in line


class Folder:
    """An export of four files, read side by side."""

    def __init__(self, folder):
        self.folder = folder
        with open(os.path.join(folder, "about.json"), encoding="utf-8") as file:
            self.about = json.load(file)
        self.signed = lines_of(os.path.join(folder, "checkpoints.jsonl"))
        self.checkpoint = next(self.signed, None)

    def keys(self):
        with open(os.path.join(self.folder, "keys.txt"), encoding="utf-8") as file:
            return [line for line in file if line.strip()]

    def links(self):
        return lines_of(os.path.join(self.folder, "entries.jsonl"))

    def advance(self):
        self.checkpoint = next(self.signed, None)

    def end(self):
        return self.about


class OneFile:
    """An export of one file: head, keys, checkpoints of a page before the links of that page, end."""

    def __init__(self, path):
        self.lines = lines_of(path)
        self.about = next(self.lines, None)
        if not isinstance(self.about, dict):
            raise Fault(UNREADABLE, "the file has no first line")
        self.signed, self.named, self.last = [], [], None
        self.first = self.read()

    def read(self):
        """The next link, after keeping what stands before it."""
        for line in self.lines:
            if self.last is not None:
                raise Fault(MISSING, "something follows the last line")
            if is_checkpoint(line):
                self.signed.append(line)
            elif "key" in line:
                self.named.append(line["key"])
            elif "seq" in line:
                return line
            else:
                self.last = line
        return None

    def keys(self):
        return self.named

    def links(self):
        link = self.first
        while link is not None:
            yield link
            link = self.read()

    @property
    def checkpoint(self):
        return self.signed[0] if self.signed else None

    def advance(self):
        self.signed.pop(0)

    def end(self):
        if self.last is None:
            raise Fault(MISSING, "the last line is missing: the file was cut off")
        return self.last


def verify(path, witness, pinned):
    export = Folder(path) if os.path.isdir(path) else OneFile(path)
    if export.about.get("format") != "careline-record/1":
        raise Fault(UNREADABLE, "this is no export of format careline-record/1")
    organization = uuid.UUID(export.about["organization"])
    keys = [read_key(line) for line in (pinned or export.keys())]
    before, count, marked = bytes(32), 0, False
    seq, hashed = 0, bytes(32)
    for link in export.links():
        if link["seq"] != seq + 1:
            raise Fault(MISSING, "place %d of the chain is empty; %s comes next" % (seq + 1, link["seq"]))
        entry, place = link["entry"], "entry %s (place %s)" % (link["entry_id"], link["seq"])
        if entry is None:
            raise Fault(MISSING, place + " has been removed")
        altered = Fault(ALTERED, place + " is not what was recorded")
        try:
            expected = entry_hash(organization, link["seq"], hashed, entry)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            raise altered
        if entry["id"] != link["entry_id"] or bytes.fromhex(link["previous"]) != hashed \
                or bytes.fromhex(link["hash"]) != expected or (marked and entry["mark"] is None):
            raise altered
        marked = marked or entry["mark"] is not None
        seq, hashed = link["seq"], expected
        checkpoint = export.checkpoint
        if checkpoint is not None and checkpoint["size"] == seq:
            root, previous = read_checkpoint(organization, seq, checkpoint["note"], keys)
            if root != hashed:
                raise Fault(CHECKPOINT, "the checkpoint of %d entries: the chain has another hash there" % seq)
            if previous != before:
                raise Fault(CHECKPOINT, "the checkpoint of %d entries does not follow the one before it" % seq)
            before, count = hashlib.sha256(checkpoint["note"].encode("utf-8")).digest(), count + 1
            compare_with_witness(witness, seq, checkpoint["note"])
            export.advance()
    if export.checkpoint is not None:
        raise Fault(CHECKPOINT, "the checkpoint of %s entries: the chain ends before it" % export.checkpoint["size"])
    compare_what_is_left(witness)
    end = export.end()
    if end["entries"] != seq or end["head"] != hashed.hex():
        raise Fault(MISSING, "the export speaks of %s entries, there are %d" % (end["entries"], seq))
    if not keys:
        raise Fault(UNREADABLE, "there is no key to verify checkpoints with")
    return seq, count, hashed, not pinned


def compare_with_witness(witness, size, note):
    if witness is None:
        return
    name = "%019d" % size
    if name in witness["left"]:
        witness["left"].remove(name)
        with open(os.path.join(witness["folder"], name), "rb") as file:
            if file.read() != note.encode("utf-8"):
                raise Fault(CHECKPOINT, "the checkpoint of %d entries: the witness has another one" % size)


def compare_what_is_left(witness):
    if witness is not None and witness["left"]:
        size = int(min(witness["left"]))
        raise Fault(CHECKPOINT, "the checkpoint of %d entries: the witness has it and the export does not" % size)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("export")
    parser.add_argument("--witness")
    parser.add_argument("--key", action="append", default=[])
    asked = parser.parse_args()
    try:
        witness = None
        if asked.witness is not None:
            names = {name for name in os.listdir(asked.witness) if re.fullmatch("[0-9]{19}", name)}
            witness = {"folder": asked.witness, "left": names}
        entries, count, hashed, believed = verify(asked.export, witness, asked.key)
    except Fault as fault:
        print("record: FAILED (%s)" % fault)
        return fault.code
    except (OSError, ValueError, KeyError, TypeError) as why:
        print("record: the export cannot be read (%s: %s)" % (type(why).__name__, why))
        return UNREADABLE
    print("record: ok (%d entries, %d signed checkpoints, head %s)" % (entries, count, hashed.hex()[:12]))
    if believed and count:
        print("record: the keys are those of the export; compare them with what the organization gave you")
    return 0


if __name__ == "__main__":
    sys.exit(main())
