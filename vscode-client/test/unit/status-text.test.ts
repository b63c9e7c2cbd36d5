import assert from "node:assert/strict";
import { test } from "node:test";

import type { AppState } from "../../src/protocol";
import { describe, statusText, worstFirst } from "../../src/status-text";

const app = (given: Partial<AppState>): AppState => ({
  app: "1",
  name: "shop",
  folder: "file:///shop",
  state: "running",
  generation: 1,
  ...given,
});

test("there is nothing to say of no app", () => {
  assert.equal(statusText([]), undefined);
});

test("an app that runs is shown with its port", () => {
  const status = statusText([app({ url: "http://127.0.0.1:5001/" })]);
  assert.equal(status?.text, "$(flame) shop :5001");
  assert.equal(status.label, "Flask app shop: running, :5001");
  assert.equal(status.failed, false);
});

test("an address without a port has its scheme's", () => {
  assert.equal(statusText([app({ url: "https://127.0.0.1/" })])?.text, "$(flame) shop :443");
});

test("an address that is no URL is shown as it is", () => {
  assert.equal(statusText([app({ url: "unix" })])?.text, "$(flame) shop unix");
});

test("of several the worst is shown", () => {
  const apps = [
    app({ app: "1", name: "one", state: "stopped" }),
    app({ app: "2", name: "two", state: "failed" }),
    app({ app: "3", name: "three" }),
  ];
  assert.deepEqual(
    worstFirst(apps).map((each) => each.name),
    ["two", "three", "one"],
  );
  assert.equal(statusText(apps)?.text, "$(error) two failed +2");
  assert.equal(statusText(apps)?.failed, true);
});

test("an app in one line", () => {
  const error = { type: "KeyError", message: "'a'\nmore" };
  assert.equal(describe(app({ state: "failed", error })), "failed: KeyError: 'a'");
  assert.equal(
    describe(app({ url: "http://127.0.0.1:5000", readyMs: 81.6 })),
    "running at http://127.0.0.1:5000, ready in 82 ms",
  );
  assert.equal(describe(app({ state: "stopping" })), "stopping");
});
