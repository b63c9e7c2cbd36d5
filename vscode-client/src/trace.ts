/** A traced message without its contents. */

/** `message` is a text whose first line names the message, or the message as JSON. */
export function messageName(message: string): string {
  if (!message.startsWith("{")) {
    return message.split("\n", 1)[0] ?? "";
  }
  try {
    const { type, message: inner } = JSON.parse(message) as {
      type?: string;
      message?: { method?: string; id?: number | string };
    };
    return [type, inner?.method ?? inner?.id].filter((part) => part !== undefined).join(" ");
  } catch {
    return "a message";
  }
}
