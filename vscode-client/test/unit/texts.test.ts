import assert from "node:assert/strict";
import { test } from "node:test";

import { Crashes } from "../../src/crashes";
import { fileLinks } from "../../src/links";
import { isNewEnough, parseAnswer } from "../../src/python-version";
import { Tail } from "../../src/tail";
import { messageName } from "../../src/trace";

test("the tail keeps colours, ends lines as a terminal does, and forgets whole lines", () => {
  const tail = new Tail();
  assert.equal(tail.append("\x1b[31mred\x1b[0m\n"), "\x1b[31mred\x1b[0m\r\n");
  assert.equal(tail.append("two\r\n"), "two\r\n");
  assert.equal(tail.text, "\x1b[31mred\x1b[0m\r\ntwo\r\n");
  for (let number = 0; number < 60_000; number++) {
    tail.append(`line ${number}\n`);
  }
  const lines = tail.text.split("\r\n");
  assert.ok(tail.text.length <= 400_000);
  assert.ok(lines.length > 10_000);
  assert.match(lines[0] ?? "", /^line \d+$/);
  assert.deepEqual(lines.slice(-2), ["line 59999", ""]);
});

test("a server that crashes is started again five times in three minutes and no more", () => {
  const crashes = new Crashes();
  const seconds = [0, 10, 20, 30, 40, 50, 179, 181, 182];
  const verdicts = seconds.map((second) => crashes.again(second * 1000));
  assert.deepEqual(verdicts, [true, true, true, true, true, false, false, true, false]);
  crashes.forget();
  assert.equal(crashes.again(183_000), true);
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
