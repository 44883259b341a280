"""What systemd does for rtnetlinkd: keeps its sockets, passes them on, starts it again after a kill, and hears what it says.

service-manager.py CNI_SOCKET HTTP_SOCKET NOTIFY_SOCKET COMMAND...   prints each message as a line of JSON; SIGTERM ends the command, SIGUSR1 kills it
"""
import json, os, signal, socket, sys

cni, http, notify, *command = sys.argv[1:]


def listening(path):
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    made.bind(path)
    os.chmod(path, 0o600)
    made.listen(128)
    return made


sockets = [listening(http), listening(cni)]
heard = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
heard.bind('\0' + notify[1:] if notify[0] == '@' else notify)
heard.settimeout(0.02)
stopping = False


def started():
    pid = os.fork()
    if pid:
        return pid
    # Both are above 4 for a moment: neither takes the place of the other.
    copies = [os.dup(s.fileno()) for s in sockets]
    high = [os.dup2(fd, 100 + i) for i, fd in enumerate(copies)]
    for i, fd in enumerate(high):
        os.dup2(fd, 3 + i, inheritable=True)
    os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='2', LISTEN_FDNAMES='http:cni', NOTIFY_SOCKET=notify,
                      WATCHDOG_USEC='200000', WATCHDOG_PID=str(os.getpid()))
    os.execvp(command[0], command)


def end(*_):
    global stopping
    stopping = True
    os.kill(child, signal.SIGTERM)


child = started()
signal.signal(signal.SIGTERM, end)
signal.signal(signal.SIGUSR1, lambda *_: os.kill(child, signal.SIGKILL))
while True:
    try:
        text = heard.recv(65536).decode()
        print(json.dumps({'level': 10, 'msg': text.split('\n')[0], 'text': text}), flush=True)
        continue
    except socket.timeout:
        pass
    pid, status = os.waitpid(child, os.WNOHANG)
    if pid == 0:
        continue
    if stopping:
        sys.exit(os.waitstatus_to_exitcode(status))
    child = started()
