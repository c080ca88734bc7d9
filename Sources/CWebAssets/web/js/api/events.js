/**
 * Server-sent events of a text that comes in pieces, as the HTML standard has them (section 9.2.6). EventSource could read them too, but it
 * can't send the token.
 *
 * @typedef {{id: string | undefined, kind: string, data: string}} ServerEvent
 */

/** More than this of one event is none of this server's. */
const most = 16 << 20;

export class EventReader {
  constructor() {
    this.rest = "";
    /** @type {string[]} */
    this.data = [];
    this.kind = "";
    /** @type {string | undefined} */
    this.id = undefined;
    this.isAfterReturn = false;
  }

  /**
   * @param {string} piece
   * @returns {ServerEvent[]} those that are whole now
   * @throws {Error} an event doesn't end
   */
  read(piece) {
    /** @type {ServerEvent[]} */
    const events = [];
    let text = this.isAfterReturn && piece.startsWith("\n") ? piece.slice(1) : piece;
    if (piece !== "") this.isAfterReturn = piece.endsWith("\r");
    text = this.rest + text;
    const lines = text.split(/\r\n|\r|\n/);
    this.rest = lines.pop() ?? "";
    if (this.rest.length + this.data.reduce((sum, line) => sum + line.length, 0) > most) {
      throw new Error("an event is too long");
    }
    for (const line of lines) this.line(line, events);
    return events;
  }

  /**
   * @param {string} line
   * @param {ServerEvent[]} events
   */
  line(line, events) {
    if (line === "") {
      if (this.data.length > 0) events.push({ id: this.id, kind: this.kind || "message", data: this.data.join("\n") });
      this.data = [];
      this.kind = "";
      // Unlike EventSource: an event without an id of its own has none, for it isn't kept.
      this.id = undefined;
      return;
    }
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") this.data.push(value);
    if (name === "event") this.kind = value;
    if (name === "id" && !value.includes("\0")) this.id = value;
  }
}
