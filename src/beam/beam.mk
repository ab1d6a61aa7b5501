# The second extension, pg_etf_beam.  Included by the top Makefile.

BEAM = pg_etf_beam.so
BEAM_OBJS = $(patsubst %.c,%.o,$(sort $(wildcard src/beam/*.c)))

# The plugin's encoders: an archive, of which the linker takes what is used
# and exports nothing.
BEAM_SHARED = build/libencoders.a

.PHONY: install-beam uninstall-beam check-beam

all: $(BEAM)
install: install-beam
uninstall: uninstall-beam

$(BEAM_OBJS): Makefile | build/headers.plugin

-include $(BEAM_OBJS:.o=.d)

$(BEAM_SHARED): $(filter-out pg_etf_decoding.o,$(OBJS))
	@mkdir -p $(@D)
	@rm -f $@
	$(AR) qcs $@ $^

$(BEAM): $(BEAM_OBJS) $(BEAM_SHARED)
	$(CC) $(CFLAGS) -shared -o $@ $(BEAM_OBJS) $(BEAM_SHARED) $(LDFLAGS) \
		$(LDFLAGS_SL) $(SHLIB_LINK)

install-beam: $(BEAM)
	$(MKDIR_P) '$(DESTDIR)$(pkglibdir)'
	$(INSTALL_SHLIB) $(BEAM) '$(DESTDIR)$(pkglibdir)/$(BEAM)'

uninstall-beam:
	rm -f '$(DESTDIR)$(pkglibdir)/$(BEAM)'

check-beam: all ## functions in Elixir, calls to nodes: real servers and BEAMs
	test/beam/run
	@$(MAKE) -s demo SIDECAR=1
