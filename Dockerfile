# nginx with Guard and the CoreConnect policy in front of an application.
#
#   docker run --read-only --tmpfs /tmp --cap-drop ALL -e GUARD_APP=http://app:5000 \
#       -v /path/to/tls:/etc/guard/tls:ro -p 80:8080 -p 443:8443 guard
#
# scripts/container/start documents the variables. scripts/image builds, starts and checks it.
ARG BASE=debian:bookworm-slim

FROM ${BASE} AS build
WORKDIR /guard
# By itself, so that a change of the sources does not install everything again.
COPY scripts/setup scripts/
# npm brings uPlot, without which there is no guard_dashboard; what lies in build/dashboard need not be fetched again.
RUN apt-get -qq update && scripts/setup && apt-get -qq install -y --no-install-recommends npm >/dev/null
COPY . .
RUN scripts/build && test -e build/dashboard/installed.json

FROM ${BASE}
RUN apt-get -qq update \
    && apt-get -qq install -y --no-install-recommends nginx libhiredis0.14 libsimdjson14 libunistring2 libidn2-0 \
        libstdc++6 libvectorscan5 libmagic1 libxml2 libmodsecurity3 modsecurity-crs >/dev/null \
    && rm -rf /var/lib/apt/lists/* /var/log/*.log /var/log/apt /var/log/nginx/* /etc/nginx/sites-enabled/*
COPY --from=build /guard/build/ngx_http_guard_module.so /guard/build/ngx_http_guard_inspect_module.so \
    /usr/lib/nginx/modules/
COPY conf.d/ /usr/share/guard/conf.d/
COPY LICENSE scripts/container/ /usr/share/guard/
# Logs are the container's own output.
RUN sed -i -e 's#/var/log/nginx/error.log#/dev/stderr#' -e 's#/var/log/nginx/[a-z-]*\.json#/dev/stdout#' \
        /usr/share/guard/conf.d/*.conf

# www-data by number: orchestrators that insist on a user who is not root can then see it.
USER 33:33
EXPOSE 8080 8443
STOPSIGNAL SIGQUIT
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["/usr/share/guard/health"]
ENTRYPOINT ["/usr/share/guard/start"]
