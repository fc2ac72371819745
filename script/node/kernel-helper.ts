/**
 * The program that makes a script's system calls on the kernel, inside the namespace: one JSON line a call in, one JSON line an
 * outcome out. Each call runs in a thread of its own, so that one may block while others go on.
 */
export const KERNEL_HELPER = `
import ctypes, errno, fcntl, json, os, select, socket, struct, sys, threading
fds = {}
last = [None]
lock = threading.Lock()

def answer(value):
    with lock:
        sys.stdout.write(json.dumps(value) + chr(10))
        sys.stdout.flush()

def fd(n):
    if n not in fds:
        raise OSError(errno.EBADF, 'no such descriptor')
    return fds[n]

def adopt(s, number):
    number = 1000000 + len(fds) if number is None else number
    fds[number] = s
    last[0] = s
    return number

def address(given, default):
    if not isinstance(given, dict):
        return tuple(default)
    f = given['fields']
    host = f.get('sin_addr', default[0])
    return ('0.0.0.0' if host == 0 else host, f.get('sin_port', default[1]))

def iov(items):
    total = 0
    for item in items or []:
        f, v = item.get('fields', {}), item.get('values', [])
        total += f.get('iov_len', v[1] if len(v) > 1 else 0)
    return total

def option_value(value):
    if isinstance(value, dict):
        f = value['fields']
        return struct.pack('ii', f.get('onoff', 0), f.get('linger', 0))
    if isinstance(value, list):
        value = value[0]
    return value.encode() if isinstance(value, str) else struct.pack('i', value)

INFO = ['state','ca_state','retransmits','probes','backoff','options']
INFO32 = ['rto','ato','snd_mss','rcv_mss','unacked','sacked','lost','retrans','fackets','last_data_sent','last_ack_sent',
 'last_data_recv','last_ack_recv','pmtu','rcv_ssthresh','rtt','rttvar','snd_ssthresh','snd_cwnd','advmss','reordering',
 'rcv_rtt','rcv_space','total_retrans']
INFO64 = ['pacing_rate','max_pacing_rate','bytes_acked','bytes_received']
INFO32B = ['segs_out','segs_in','notsent_bytes','min_rtt','data_segs_in','data_segs_out']
INFO64B = ['delivery_rate','busy_time','rwnd_limited','sndbuf_limited']
INFO32C = ['delivered','delivered_ce']
INFO64C = ['bytes_sent','bytes_retrans']
INFO32D = ['dsack_dups','reord_seen','rcv_ooopack','snd_wnd','rcv_wnd','rehash']
INFO16 = ['total_rto','total_rto_recoveries']
INFO32E = ['total_rto_time',
 'received_ce','delivered_e1_bytes','delivered_e0_bytes','delivered_ce_bytes','received_e1_bytes',
 'received_e0_bytes','received_ce_bytes']
INFO16B = ['accecn_fail_mode','accecn_opt_seen']

def info():
    if last[0] is None:
        return {'tcpi_state': 7}
    raw = last[0].getsockopt(socket.IPPROTO_TCP, 11, 512)
    raw += bytes(512 - len(raw))
    out = {}
    for i, name in enumerate(INFO):
        out['tcpi_' + name] = raw[i]
    out['tcpi_snd_wscale'] = raw[6] & 15
    out['tcpi_rcv_wscale'] = raw[6] >> 4
    out['tcpi_delivery_rate_app_limited'] = raw[7] & 1
    out['tcpi_fastopen_client_fail'] = raw[7] >> 1 & 3
    at = 8
    for names, size, code in ((INFO32, 4, 'I'), (INFO64, 8, 'Q'), (INFO32B, 4, 'I'), (INFO64B, 8, 'Q'),
                              (INFO32C, 4, 'I'), (INFO64C, 8, 'Q'), (INFO32D, 4, 'I'),
                              (INFO16, 2, 'H'), (INFO32E, 4, 'I'), (INFO16B, 2, 'H')):
        for name in names:
            out['tcpi_' + name] = struct.unpack_from('=' + code, raw, at)[0]
            at += size
    return out

def poll(args):
    p = select.poll()
    entries = args[0] or []
    for e in entries:
        p.register(fd(e['fields']['fd']), e['fields'].get('events', 0))
    found = dict(p.poll(None if args[2] < 0 else args[2]))
    listed = []
    for e in entries:
        f = dict(e['fields'])
        f['revents'] = found.get(fd(f['fd']).fileno(), 0)
        listed.append({'fields': f, 'values': []})
    return len(found), {0: listed}

def read(s, count, flags=0):
    return len(s.recv(count, flags)), {}

def write(s, count, flags=0):
    if s.getblocking() and not flags & 0x40:
        sent = 0
        while sent < count:
            try:
                sent += s.send(bytes(count - sent), flags | 0x4000)
            except OSError:
                if sent:
                    return sent, {}
                raise
        return sent, {}
    return s.send(bytes(count), flags | 0x4000), {}

def call(name, args, number, bind_to, connect_to):
    if name == 'socket':
        kind = args[1] or 0
        s = socket.socket(socket.AF_INET, kind & 15)
        if algorithm[0] is not None:
            s.setsockopt(6, 13, algorithm[0].encode())
        s.setblocking(not kind & 0o4000)
        return adopt(s, number), {}
    if name == 'poll':
        return poll(args)
    s = fd(args[0])
    if name == 'bind':
        s.bind(address(args[1], bind_to))
    elif name == 'listen':
        s.listen(args[1])
    elif name in ('accept', 'accept4'):
        made, _ = s.accept()
        made.setblocking(not (len(args) > 3 and (args[3] or 0) & 0o4000))
        return adopt(made, number), {}
    elif name == 'connect':
        code = s.connect_ex(address(args[1], connect_to))
        if code:
            raise OSError(code, '')
    elif name == 'read':
        return read(s, args[2])
    elif name in ('recv', 'recvfrom'):
        return read(s, args[2], args[3] or 0)
    elif name == 'recvmsg':
        return read(s, iov(args[1]['fields'].get('msg_iov')), args[2] or 0)
    elif name == 'readv':
        return read(s, iov(args[1]))
    elif name == 'write':
        return write(s, args[2])
    elif name == 'sendto' and (args[3] or 0) & 0x20000000:
        to = address(args[4] if len(args) > 4 else None, connect_to)
        return s.sendto(bytes(args[2]), args[3] | 0x4000, to), {}
    elif name in ('send', 'sendto'):
        return write(s, args[2], args[3] or 0)
    elif name == 'sendmsg':
        return write(s, iov(args[1]['fields'].get('msg_iov')), args[2] or 0)
    elif name == 'writev':
        return write(s, iov(args[1]))
    elif name == 'shutdown':
        s.shutdown(args[1])
    elif name == 'close':
        del fds[args[0]]
        if last[0] is s:
            last[0] = None
        s.close()
    elif name == 'setsockopt':
        s.setsockopt(args[1], args[2], option_value(args[3]))
    elif name == 'getsockopt':
        return 0, {3: [s.getsockopt(args[1], args[2])], 4: [4]}
    elif name == 'fcntl':
        if args[1] == 3:
            return fcntl.fcntl(s, 3) & 0o4002, {}
        s.setblocking(not args[2] & 0o4000)
    elif name == 'ioctl':
        buffer = bytearray(4)
        fcntl.ioctl(s, args[1], buffer)
        return 0, {2: [struct.unpack('i', buffer)[0]]}
    else:
        return -2, {}
    return 0, {}

def serve(message):
    try:
        result, outputs = call(message['name'], message['args'], message.get('descriptor'), message['bind'], message['connect'])
        answer({'id': message['id'], 'result': result, 'outputs': list(outputs.items())})
    except OSError as error:
        answer({'id': message['id'], 'result': -1, 'errno': error.errno, 'outputs': []})
    except Exception as error:
        answer({'id': message['id'], 'result': -2, 'error': repr(error), 'outputs': []})

algorithm = [None]

def sysctl(items):
    for name, value in items:
        try:
            with open('/proc/sys/' + name.replace('.', '/'), 'w') as file:
                file.write(value)
        except PermissionError:
            if not name.endswith('tcp_congestion_control'):
                raise
            algorithm[0] = value  # the machine allows it per socket only

for line in sys.stdin:
    message = json.loads(line)
    if message['do'] == 'call':
        threading.Thread(target=serve, args=(message,), daemon=True).start()
    elif message['do'] == 'info':
        try:
            answer({'id': message['id'], 'info': info()})
        except OSError:
            answer({'id': message['id'], 'info': {'tcpi_state': 7}})
    elif message['do'] == 'sysctl':
        try:
            sysctl(message['items'])
            answer({'id': message['id']})
        except OSError as error:
            answer({'id': message['id'], 'error': str(error)})
    elif message['do'] == 'reset':
        for s in fds.values():
            try:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                s.close()
            except OSError:
                pass
        fds.clear()
        last[0] = None
        answer({'id': message['id']})
os._exit(0)
`;
