import type { WebSocketLike } from "./oht50-client.js";

/** A WebSocket whose network side lives in a worker: what comes reaches a busy page one frame earlier. Pages only. */
export class BackgroundSocket implements WebSocketLike {
  constructor(url: string);
  readonly readyState: number;
  /** Binary messages come as an `ArrayBuffer`, whatever this says. */
  binaryType: any;
  onopen: any;
  onmessage: any;
  onerror: any;
  onclose: any;
  /** Throws while it is connecting, and does nothing once it closes. */
  send(text: string): void;
  close(): void;
}
