# The plugin in PostgreSQL's own image, with the client beside it.
#
#	docker build --build-arg PG_MAJOR=18 -t pg_etf_decoding .
#
# No image is built in our CI: test/docker runs these steps in chroots.
ARG PG_MAJOR=18

FROM postgres:${PG_MAJOR} AS build
ARG PG_MAJOR
RUN apt-get update && apt-get install -y --no-install-recommends make gcc libc6-dev libpq-dev erlang-base erlang-dev postgresql-server-dev-${PG_MAJOR}
WORKDIR /src
COPY . .
RUN make -s all client PG_CONFIG=/usr/lib/postgresql/${PG_MAJOR}/bin/pg_config
RUN make -s install PG_CONFIG=/usr/lib/postgresql/${PG_MAJOR}/bin/pg_config DESTDIR=/out
RUN make -s install-client PG_CONFIG=/usr/lib/postgresql/${PG_MAJOR}/bin/pg_config DESTDIR=/out bindir=/usr/local/bin

FROM postgres:${PG_MAJOR}
COPY --from=build /out /
COPY docker/initdb.sh /docker-entrypoint-initdb.d/10-pg_etf_decoding.sh
