#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random requests signed by us and by other people's signers: the same signatures.

@smithy/signature-v4 and @aws-crypto/sha256-js are looked for where node looks (NODE_PATH)."""

import base64
import datetime
import json
import os
import random
import shutil
import subprocess
import sys
import unittest
from urllib.parse import quote

PROBE = None
REQUESTS = 1000
SMITHY = r"""
const { SignatureV4 } = require("@smithy/signature-v4");
const { Sha256 } = require("@aws-crypto/sha256-js");
const lines = require("fs").readFileSync(0, "utf8").trim().split("\n");
(async () => {
    for (const line of lines) {
        const r = JSON.parse(line);
        const signer = new SignatureV4({ service: r.service, region: r.region, sha256: Sha256,
            applyChecksum: false,
            credentials: { accessKeyId: r.access, secretAccessKey: r.secret,
                           sessionToken: r.token || undefined } });
        const headers = {};
        for (const [name, value] of r.plain_headers)
            headers[name] = value;
        const t = r.time;
        const date = new Date(`${t.slice(0, 4)}-${t.slice(4, 6)}-${t.slice(6, 8)}T` +
            `${t.slice(9, 11)}:${t.slice(11, 13)}:${t.slice(13, 15)}Z`);
        const signed = await signer.sign({ method: r.method, protocol: "https:", hostname: r.host,
            path: r.path, query: r.query, headers, body: Buffer.from(r.body, "base64") },
            { signingDate: date });
        console.log(signed.headers.authorization);
    }
})();
"""


def encode(text):
    return quote(text, safe="-_.~")


class Maker:
    """Requests from a seed, with all that is unpleasant in them."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def word(self, least=0, most=12):
        letters = "abcXYZ019-_.~ !$&'()*+,;=:@/?#[]%\"<>\\^`{|}\u00e4\u20ac\u1234\U0001f600"
        return "".join(self.random.choice(letters)
                       for _ in range(self.random.randint(least, most)))

    def plain(self, least=1, most=12):
        letters = "abcdefghijklmnopqrstuvwxyz0123456789"
        return "".join(self.random.choice(letters)
                       for _ in range(self.random.randint(least, most)))

    def path(self):
        if self.random.random() < 0.3:
            name = self.random.choice(["spillway", "arn:aws:lambda:eu-west-1:123456789012:"
                                       "function:f:$LATEST", self.word(1)])
            return f"/2015-03-31/functions/{encode(name)}/invocations"
        parts = [self.random.choice(["", ".", "..", encode(self.word()), encode(self.word()),
                                     self.plain()]) for _ in range(self.random.randint(0, 6))]
        return "/" + "/".join(parts)

    def query(self):
        query = {}
        for _ in range(self.random.choice([0, 0, 1, 2, 5])):
            name = self.random.choice(["Qualifier", "a", "a-b", "A", self.word(1)])
            query.setdefault(name, []).append(self.random.choice(["$LATEST", "", self.word()]))
        return query

    def headers(self):
        headers = {"content-type": "application/json"}
        for _ in range(self.random.randint(0, 4)):
            words = [self.plain() for _ in range(self.random.randint(0, 4))]
            blank = self.random.choice([" ", "   ", "\t", " \t "])
            value = blank.join(words)
            headers["x-" + self.plain() + self.random.choice(["", "-amz", "-b"])] = \
                self.random.choice(["", " ", "  "]) + value + self.random.choice(["", " "])
        return list(headers.items())

    def request(self):
        time = datetime.datetime(2000, 1, 1) + datetime.timedelta(
            seconds=self.random.randrange(100 * 365 * 86400))
        made = {
            "method": self.random.choice(["POST", "POST", "GET", "PUT"]),
            "host": self.plain() + ".lambda." + self.plain() + ".example.com",
            "path": self.path(),
            "query": self.query(),
            "plain_headers": self.headers(),
            "body": base64.b64encode(self.random.randbytes(
                self.random.choice([0, 1, 100, 3000]))).decode(),
            "access": "AKIA" + self.plain().upper(),
            "secret": base64.b64encode(self.random.randbytes(30)).decode(),
            "token": base64.b64encode(self.random.randbytes(
                self.random.choice([0, 0, 30, 1500]))).decode(),
            "time": time.strftime("%Y%m%dT%H%M%SZ"),
            "region": self.plain() + "-" + self.plain(),
            "service": self.random.choice(["lambda", "execute-api"]),
        }
        pairs = [f"{encode(name)}={encode(value)}" for name, values in made["query"].items()
                 for value in values]
        self.random.shuffle(pairs)
        made["target"] = made["path"] + ("?" + "&".join(pairs) if pairs else "")
        made["plain_headers"].append(("host", made["host"]))
        made["headers"] = [*made["plain_headers"], ("X-Amz-Date", made["time"])]
        if made["token"]:
            made["headers"].append(("X-Amz-Security-Token", made["token"]))
        return made


def ours(requests):
    done = subprocess.run([PROBE, "sign"], input="\n".join(map(json.dumps, requests)) + "\n",
                          capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


class Signers(unittest.TestCase):
    def setUp(self):
        seed = int(os.environ.get("SPILLWAY_TEST_SEED", random.randrange(2**32)))
        print(f"seed: {seed}", flush=True)
        maker = Maker(seed)
        self.requests = [maker.request() for _ in range(REQUESTS)]

    def skip(self, why):
        print(f"SKIPPED: {why}", flush=True)
        self.skipTest(why)

    def compare(self, theirs):
        mine = ours(self.requests)
        self.assertEqual((len(mine), len(theirs)), (REQUESTS, REQUESTS))
        for request, left, right in zip(self.requests, mine, theirs):
            self.assertEqual(left, right, request)

    def test_botocore(self):
        try:
            from botocore.auth import SigV4Auth
            from botocore.awsrequest import AWSRequest
            from botocore.credentials import Credentials
        except ImportError as error:
            self.skip(f"signatures are not compared with botocore's: {error}")
        theirs = []
        for made in self.requests:
            request = AWSRequest(made["method"], f"https://{made['host']}{made['target']}",
                                 dict(made["plain_headers"]), base64.b64decode(made["body"]))
            signer = SigV4Auth(Credentials(made["access"], made["secret"], made["token"] or None),
                               made["service"], made["region"])
            request.context["timestamp"] = made["time"]
            signer._modify_request_before_signing(request)
            if "X-Amz-Date" not in request.headers:
                request.headers["X-Amz-Date"] = made["time"]
            signature = signer.signature(
                signer.string_to_sign(request, signer.canonical_request(request)), request)
            signer._inject_signature_to_request(request, signature)
            theirs.append(request.headers["Authorization"])
        self.compare(theirs)

    def test_smithy(self):
        if not shutil.which("node"):
            self.skip("signatures are not compared with @smithy/signature-v4's: there is no node")
        known = subprocess.run(["node", "-e", "require('@smithy/signature-v4'); "
                                "require('@aws-crypto/sha256-js')"], capture_output=True)
        if known.returncode:
            self.skip("signatures are not compared with @smithy/signature-v4's: node does not "
                      "find it and @aws-crypto/sha256-js (NODE_PATH)")
        done = subprocess.run(["node", "-e", SMITHY], capture_output=True, text=True,
                              input="\n".join(map(json.dumps, self.requests)))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.compare(done.stdout.splitlines())


if __name__ == "__main__":
    PROBE = sys.argv.pop(1)
    unittest.main()
