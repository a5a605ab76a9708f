// The worker of background-socket.js: has the sockets, and knows nothing of what they carry.

const sockets = new Map();

self.onmessage = ({ data: { id, url, text, close } }) => {
  if (url !== undefined) open(id, url);
  else if (text !== undefined) sockets.get(id)?.send(text);
  else if (close) sockets.get(id)?.close();
};

function open(id, url) {
  const tell = (type, what = {}, transferred = []) => self.postMessage({ id, type, what }, transferred);
  let socket;
  try {
    socket = new WebSocket(url);
  } catch {
    tell("error");
    return tell("close", { code: 1006, reason: "" });
  }
  sockets.set(id, socket);
  socket.binaryType = "arraybuffer";
  socket.onopen = () => tell("open");
  socket.onmessage = ({ data }) => tell("message", { data }, data instanceof ArrayBuffer ? [data] : []);
  socket.onerror = () => tell("error");
  socket.onclose = ({ code, reason }) => {
    sockets.delete(id);
    tell("close", { code, reason });
  };
}
