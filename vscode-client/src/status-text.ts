/** What the status bar says, from the apps' states. Pure, but for the language. */

import { l10n } from "vscode";

import type { AppState, State } from "./protocol";
import { headline } from "./traceback-tree";

const WORST_FIRST: readonly State[] = ["failed", "starting", "stopping", "running", "stopped"];

const ICONS: Record<State, string> = {
  failed: "$(error)",
  starting: "$(loading~spin)",
  stopping: "$(loading~spin)",
  running: "$(flame)",
  stopped: "$(circle-slash)",
};

export interface StatusText {
  text: string;
  /** The same for a screen reader. */
  label: string;
  failed: boolean;
}

/** The apps, those first that want the person's attention. */
export function worstFirst(apps: readonly AppState[]): AppState[] {
  return [...apps].sort(
    (one, other) =>
      WORST_FIRST.indexOf(one.state) - WORST_FIRST.indexOf(other.state) ||
      one.name.localeCompare(other.name),
  );
}

/** Undefined where there is no app to speak of. */
export function statusText(apps: readonly AppState[]): StatusText | undefined {
  const [worst, ...others] = worstFirst(apps);
  if (worst === undefined) {
    return undefined;
  }
  const more = others.length > 0 ? ` +${others.length}` : "";
  const state = stateName(worst.state);
  const what = worst.state === "running" ? place(worst.url) : state;
  const title = `${worst.name} ${what}`;
  return {
    text: `${ICONS[worst.state]} ${title}${more}`,
    label: l10n.t("Flask app {0}: {1}", worst.name, what === state ? state : `${state}, ${what}`),
    failed: worst.state === "failed",
  };
}

/** An app in one line: for the tooltip and for lists. */
export function describe(app: AppState): string {
  switch (app.state) {
    case "running": {
      const url = app.url ?? l10n.t("an address of its own");
      return app.readyMs === undefined
        ? l10n.t("running at {0}", url)
        : l10n.t("running at {0}, ready in {1} ms", url, Math.round(app.readyMs));
    }
    case "failed":
      return app.error === undefined
        ? stateName(app.state)
        : l10n.t("failed: {0}", headline(app.error));
    default:
      return stateName(app.state);
  }
}

function stateName(state: State): string {
  switch (state) {
    case "stopped":
      return l10n.t("stopped");
    case "starting":
      return l10n.t("starting");
    case "running":
      return l10n.t("running");
    case "failed":
      return l10n.t("failed");
    case "stopping":
      return l10n.t("stopping");
  }
}

/** The port, `:5000`; where there is none, the address itself. */
function place(url: string | undefined): string {
  if (url === undefined) {
    return stateName("running");
  }
  try {
    const { port, protocol } = new URL(url);
    return `:${port || (protocol === "https:" ? "443" : "80")}`;
  } catch {
    return url;
  }
}
