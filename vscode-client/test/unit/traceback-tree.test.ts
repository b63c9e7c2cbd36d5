import assert from "node:assert/strict";
import { test } from "node:test";

import type { Frame, Traceback } from "../../src/protocol";
import {
  children,
  fileName,
  headline,
  KEPT,
  occasion,
  withNewest,
  type Node,
} from "../../src/traceback-tree";

const range = { start: { line: 0, character: 0 }, end: { line: 0, character: 1 } };
const frame = (name: string, inWorkspace: boolean): Frame => ({
  uri: `file:///${name}.py`,
  range,
  function: name,
  code: "",
  inWorkspace,
});
const traceback = (given: Partial<Traceback>): Traceback => ({
  app: "1",
  generation: 1,
  id: "a",
  when: "request",
  type: "KeyError",
  message: "'a'",
  text: "",
  frames: [],
  ...given,
});
const shown = (node: Node): string => {
  switch (node.kind) {
    case "frame":
      return node.frame.function;
    case "folded":
      return `(${node.frames.map((each) => each.function).join(" ")})`;
    case "cause":
      return `<${node.cause.type}`;
    case "traceback":
      return node.traceback.id;
  }
};

test("frames are innermost first, those of libraries folded, causes below", () => {
  const frames = [
    frame("wsgi", false),
    frame("dispatch", false),
    frame("view", true),
    frame("orm", false),
    frame("model", true),
  ];
  const causes = [{ type: "OSError", message: "", frames: [frame("read", true)] }];
  const nodes = children({ kind: "traceback", traceback: traceback({ frames, causes }) });
  assert.deepEqual(nodes.map(shown), ["model", "(orm)", "view", "(dispatch wsgi)", "<OSError"]);
  assert.deepEqual(nodes.flatMap(children).map(shown), ["orm", "dispatch", "wsgi", "read"]);
});

test("each cause holds the next one, and a group's members stand side by side", () => {
  const cause = (type: string, relation: "cause" | "context" | "group") => ({
    type,
    message: "",
    relation,
    frames: [frame(type, true)],
  });
  const causes = [cause("A", "cause"), cause("B", "context"), cause("C", "group"), cause("D", "group")];
  const [a] = children({ kind: "traceback", traceback: traceback({ causes }) });
  assert.ok(a);
  assert.deepEqual(children(a).map(shown), ["A", "<B"]);
  const [, b] = children(a);
  assert.ok(b);
  assert.deepEqual(children(b).map(shown), ["B", "<C", "<D"]);
  assert.deepEqual(children(b).slice(1).flatMap(children).map(shown), ["C", "D"]);
});

test("the newest is first, and the oldest is forgotten", () => {
  let list: Traceback[] = [];
  for (let number = 0; number <= KEPT; number++) {
    list = withNewest(list, traceback({ id: String(number) }));
  }
  assert.equal(list.length, KEPT);
  assert.equal(list[0]?.id, String(KEPT));
  assert.equal(list.at(-1)?.id, "1");
});

test("a headline is one line", () => {
  assert.equal(headline({ type: "KeyError", message: "'a'\nb" }), "KeyError: 'a'");
  assert.equal(headline({ type: "KeyError", message: "" }), "KeyError");
});

test("the occasion is the request's path, where there is one", () => {
  const request = { method: "POST", url: "http://127.0.0.1:5000/a/b?c=d" };
  assert.equal(occasion(traceback({ request })), "POST /a/b?c=d");
  assert.equal(occasion(traceback({ when: "startup" })), "at the start");
});

test("a file's name is that of a person", () => {
  assert.equal(fileName("file:///home/me/my%20app.py"), "my app.py");
  assert.equal(fileName("python:<string>"), "<string>");
  assert.equal(fileName("file:///home/100%.py"), "100%.py");
});
