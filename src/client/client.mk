# The client, pg_etf_client.  Included by the top Makefile.

CLIENT = build/pg_etf_client
CLIENT_SRC = $(sort $(wildcard src/client/*.c src/client/*/*.c))
CLIENT_OBJS = $(CLIENT_SRC:%.c=build/client/%.o) \
	$(COMMON_SRC:%.c=build/client/%.o)
# All but main(), so that tests take what they need.
CLIENT_LIB = build/libclient.a
CLIENT_PARTS = $(filter-out src/client/main.c,$(CLIENT_SRC)) $(COMMON_SRC)
CLIENT_CPPFLAGS = -D_GNU_SOURCE $(CLIENT_INCLUDES)
CLIENT_INCLUDES = -DETF_VERSION='"$(ETF_VERSION)"' -Iinclude \
	-isystem $(shell $(PG_CONFIG) --includedir) -isystem $(ERL_INCLUDE)
CLIENT_HARDENING := $(HARDENING) $(call fortify,$(GIVEN_CFLAGS))
CLIENT_CFLAGS = -std=gnu11 -O2 -g $(WARNINGS) -Wdeclaration-after-statement \
	$(CLIENT_HARDENING) -fPIE $(GIVEN_CFLAGS)
CLIENT_LIBS = -L$(shell $(PG_CONFIG) --libdir) -lpq $(ERL_LIB)/libei.a \
	-lpthread -lm

INSTALLED = $(DESTDIR)$(bindir)/pg_etf_client
CLIENT_MAN = build/pg_etf_client.1
INSTALLED_MAN = $(DESTDIR)$(mandir)/man1/pg_etf_client.1

# What machines of this kind can use without a compiler; they need libpq.so.5.
TARGET ?= $(shell $(CC) -dumpmachine | sed 's/^\([^-]*\)-[^-]*-\([^-]*-[^-]*\)$$/\1-\2/')
CLIENT_ARCHIVE = pg_etf_client-$(ETF_VERSION)-$(TARGET).tar.gz

.PHONY: client client-archive install-client uninstall-client check-posix check-client

client: $(CLIENT_LIB) $(CLIENT) ## build the client, build/pg_etf_client

$(CLIENT): build/client/src/client/main.o $(CLIENT_LIB)
	$(CC) -pie $(CLIENT_CFLAGS) $(HARDENING_LDFLAGS) $(LDFLAGS) -o $@ $^ $(CLIENT_LIBS)

$(CLIENT_MAN): dev/man $(CLIENT)
	dev/man $(CLIENT) $(ETF_VERSION) > $@

install-client: client $(CLIENT_MAN) ## install the client beside the server's programs
	$(MKDIR_P) '$(DESTDIR)$(bindir)'
	$(INSTALL_PROGRAM) $(CLIENT) '$(INSTALLED)'
	$(MKDIR_P) '$(dir $(INSTALLED_MAN))'
	$(INSTALL_DATA) $(CLIENT_MAN) '$(INSTALLED_MAN)'
	@echo "installed: $(INSTALLED)"
	@command -v pg_etf_client > /dev/null || \
		echo "It is not in PATH; bindir=/usr/local/bin mandir=/usr/local/share/man" \
			"puts it elsewhere, and its man page."

uninstall-client: ## remove the installed client
	rm -f '$(INSTALLED)' '$(INSTALLED_MAN)'

client-archive: client ## the client for machines without a compiler, with its SHA-256
	@rm -rf build/archive
	@mkdir -p build/archive
	strip -o build/archive/pg_etf_client $(CLIENT)
	cp LICENSE build/archive
	tar -C build/archive --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 \
		-cf - pg_etf_client LICENSE | gzip -n > build/$(CLIENT_ARCHIVE)
	cd build && sha256sum $(CLIENT_ARCHIVE) > $(CLIENT_ARCHIVE).sha256

build/headers.client:
	$(call found,$(shell $(PG_CONFIG) --includedir)/libpq-fe.h $(ERL_FILES))

build/client/%.o: %.c | build/headers.client
	@mkdir -p $(@D)
	$(CC) $(CLIENT_CPPFLAGS) $(CLIENT_CFLAGS) -MMD -MP -c -o $@ $<

$(CLIENT_LIB): $(CLIENT_PARTS:%.c=build/client/%.o)
	@rm -f $@
	$(AR) qcs $@ $^

-include $(CLIENT_OBJS:.o=.d)

check-posix: build/headers.client ## the client without Linux-only features
	$(CC) -std=c11 -D_XOPEN_SOURCE=700 $(CLIENT_INCLUDES) $(WARNINGS) \
		-fsyntax-only $(CLIENT_SRC) $(COMMON_SRC)

check-client: client all build/unit/wire_values ## tests of the client against real servers
	test/client/run
