/**
 * Rejects WebSocket handshakes, so that clients fall back to HTTP. They arrive as plain requests, because the server has no
 * `upgrade` listener. So do other upgrades, such as curl's `h2c`: they are answered by HTTP/1.1. HTTP/1.0 has none.
 */
import type { RequestHandler } from "express";
import { socketsNotSpoken } from "../../lifecycle/errors/http.ts";

export const rejectWebSockets: RequestHandler = ({ method, httpVersion, headers }, _response, next) => {
  const protocols = (headers.upgrade ?? "").toLowerCase().split(",");
  const isHandshake = method === "GET" && httpVersion === "1.1";
  if (isHandshake && protocols.some((name) => name.trim() === "websocket")) throw socketsNotSpoken();
  next();
};
