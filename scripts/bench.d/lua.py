"""The usual Lua way of limiting rates in Redis: Debian's Lua module for nginx and its Redis client,
unpacked into build/bench/lua. (Installed, the module's package would bring another nginx along.)"""

import os
import subprocess

from machine import BenchError
from nginx import OUT, Nginx

PACKAGES = ("libnginx-mod-http-ndk", "libnginx-mod-http-lua", "lua-resty-core",
            "lua-resty-lrucache", "libluajit2-5.1-2", "libluajit2-5.1-common", "lua-nginx-redis")
FOLDER = OUT / "lua"
UNPACKED = FOLDER / "usr"
MODULES = [UNPACKED / "lib/nginx/modules" / name
           for name in ("ndk_http_module.so", "ngx_http_lua_module.so")]
SCRIPTS = UNPACKED / "share/lua/5.1"

# One INCR for each request, an EXPIRE with the first one of a minute, connections kept: what the
# client's own documentation shows.
HTTP = """
    lua_package_path "{scripts}/?.lua;{scripts}/?/init.lua;;";
    server {{
        listen {{listen}};
        location / {{
            access_by_lua_block {{
                local redis = require("nginx.redis"):new()
                redis:set_timeout(1000)
                if not redis:connect("unix:{socket}") then
                    return ngx.exit(503)
                end
                local key = "lua:" .. ngx.var.arg_k
                local count = redis:incr(key)
                if not count then
                    return ngx.exit(503)
                end
                if count == 1 then
                    redis:expire(key, 60)
                end
                redis:set_keepalive(60000, 256)
                if count > 1000000 then
                    return ngx.exit(429)
                end
            }}
            empty_gif;
        }}
    }}"""


def apt_get(*words):
    return subprocess.run(["apt-get", "-q", *words], cwd=FOLDER, capture_output=True, text=True)


def fetch():
    """Downloads and unpacks what is not there yet."""
    if all(path.exists() for path in MODULES) and (SCRIPTS / "nginx/redis.lua").exists():
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    words = ("-o", "APT::Sandbox::User=root", "download", *PACKAGES)
    done = apt_get(*words)
    if done.returncode != 0 and os.getuid() == 0:
        apt_get("update")
        done = apt_get(*words)
    if done.returncode != 0:
        raise BenchError(f"cannot download {', '.join(PACKAGES)}: {done.stderr.strip()[-300:]}")
    for package in sorted(FOLDER.glob("*.deb")):
        subprocess.run(["dpkg", "-x", str(package), str(FOLDER)], check=True)


def lua_nginx(name, redis, **options):
    library = next((UNPACKED / "lib").glob("*/libluajit-5.1.so.2")).parent
    return Nginx(name, HTTP.format(scripts=SCRIPTS, socket=redis.socket), modules=MODULES,
                 environment={"LD_LIBRARY_PATH": str(library)}, **options)
