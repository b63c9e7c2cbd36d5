import assert from "node:assert/strict";
import { test } from "node:test";

import { withoutEscapes } from "../../src/ansi";
import { fileLinks } from "../../src/links";
import { isNewEnough, parseAnswer } from "../../src/python-version";
import { messageName } from "../../src/trace";

test("colours, links and cursor movements are left out", () => {
  const text = "\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x07link\x1b]8;;\x1b\\ \x1b[2Kend";
  assert.equal(withoutEscapes(text), "red link end");
  assert.equal(withoutEscapes("a [31m b"), "a [31m b");
});

test("the lines of a traceback are links", () => {
  const text = 'Traceback:\n  File "/a b/c.py", line 12, in f\n  File "<string>", line 1\n';
  const [link, ...others] = fileLinks(text);
  assert.deepEqual(others, []);
  assert.equal(link?.path, "/a b/c.py");
  assert.equal(link.line, 12);
  assert.equal(text.slice(link.start, link.end), 'File "/a b/c.py", line 12');
});

test("a Python's answer", () => {
  assert.deepEqual(parseAnswer("3.12\n/usr/bin/python3\n"), {
    version: "3.12",
    path: "/usr/bin/python3",
  });
  assert.equal(parseAnswer("Python was not found; run without arguments to install"), undefined);
  assert.equal(parseAnswer("3.12\n"), undefined);
});

test("a Python that is new enough", () => {
  const verdicts = ["2.7", "3.9", "3.10", "3.14", "4.0"].map((version) =>
    isNewEnough({ version, path: "" }),
  );
  assert.deepEqual(verdicts, [false, false, true, true, true]);
});

test("a trace says which message it is, and not what it holds", () => {
  const text = "Received notification 'hotplate/debuggerPin'.\nParams: {\"pin\": \"123-456-789\"}";
  assert.equal(messageName(text), "Received notification 'hotplate/debuggerPin'.");
  const json = JSON.stringify({
    type: "receive-notification",
    message: { method: "hotplate/debuggerPin", params: { pin: "123-456-789" } },
  });
  assert.equal(messageName(json), "receive-notification hotplate/debuggerPin");
  assert.equal(messageName('{"pin": "123'), "a message");
});
