// @stoqey/ib on a string: every line of standard input is a call of its IBApi, every event a line of standard output.
"use strict";

const readline = require("node:readline");
const stoqey = require("@stoqey/ib");
const { IBApi, OrderConditionType } = stoqey;

const [port, clientId] = process.argv.slice(2).map(Number);

// JSON knows no Map, no infinity and no Error; big maps and errors are told by what they hold.
function plain(_key, value) {
  if (value instanceof Map) return [...value.entries()];
  if (value instanceof Error) return value.message;
  if (typeof value === "number" && !Number.isFinite(value)) return String(value);
  if (typeof value === "bigint") return value.toString();
  return value;
}

function built(value) {
  if (Array.isArray(value)) return value.map(built);
  if (value === null || typeof value !== "object") return value;
  const fields = Object.fromEntries(Object.entries(value.fields ?? value).map(([name, one]) => [name, built(one)]));
  const type = OrderConditionType[value.class?.replace(/Condition$/, "")];
  const made = stoqey[value.class];
  if (type !== undefined) return Object.assign(Object.create(made.prototype), { type, ...fields });
  return value.class === "WshEventData" ? Object.assign(new made(fields.conId), fields) : fields;
}

// It sends 40 requests a second unless told otherwise; the simulator is told to take them as they come.
const api = new IBApi({ host: "127.0.0.1", port, clientId, maxReqPerSec: 1000 });
api.on("all", (event, heard) => {
  if (event !== "received" && event !== "sent") process.stdout.write(`${JSON.stringify([event, heard], plain)}\n`);
});
readline.createInterface({ input: process.stdin }).on("line", (line) => {
  const [call, given] = JSON.parse(line);
  api[call](...given.map(built));
});
process.stdin.on("end", () => {
  api.disconnect();
  setTimeout(() => process.exit(0), 50);
});
api.connect();
