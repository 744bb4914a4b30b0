# What is built without nginx: guardctl, the unit tests (t/unit/*_test.cpp), the fuzz targets
# (t/fuzz/*_fuzz.cpp), the measuring programs (t/bench/*_bench.cpp) and those that run the suites of
# others (t/conformance/*.cpp), all from the sources marked "logic" in src/sources. Those are compiled
# once, for the module (fuzzing needs another compiler): scripts/build must have configured it in OUT.
# t/unit/ngx/*_test.cpp try src/ngx on a stub of nginx.
# What is marked "inspect-logic" is in them, too; the libraries that it brings are linked only where it is used.
#   make -f scripts/native.mk guardctl | unit | fuzz | replay | bench | conformance   [OUT=build] [SANITIZE=1]

OUT ?= build
# The dependency files name their targets: the same folder must have one name.
override OUT := $(abspath $(OUT))
CXX ?= g++
CLANGXX ?= clang++-14
LOGIC := $(shell awk '$$1 == "logic" || $$1 == "inspect-logic" { print $$2 }' src/sources)
CLI := $(shell awk '$$1 == "cli" { print $$2 }' src/sources)
INSPECT_CLI := $(shell awk '$$1 == "inspect-cli" { print $$2 }' src/sources) src/cli/option.cpp src/cli/printable.cpp src/cli/text_file.cpp
UNITS := $(patsubst t/unit/%_test.cpp,%,$(wildcard t/unit/*_test.cpp))
NGX_UNITS := $(patsubst t/unit/ngx/%_test.cpp,%,$(wildcard t/unit/ngx/*_test.cpp))
FUZZERS := $(patsubst t/fuzz/%_fuzz.cpp,%,$(wildcard t/fuzz/*_fuzz.cpp))
CONFORMANCE := $(patsubst t/conformance/%.cpp,%,$(wildcard t/conformance/*.cpp))
BENCHES := $(patsubst t/bench/%_bench.cpp,%,$(wildcard t/bench/*_bench.cpp))

WARNINGS := -Wall -Wextra -Wpointer-arith -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Werror
BASE := -std=c++20 -g1 -Isrc -It/unit -isystem /usr/include/libxml2 -fvisibility=hidden -MMD -MP $(WARNINGS)
LIBS := -lsimdjson -lhiredis -lunistring -lidn2 -lssl -lcrypto -lpcre2-8 -lz \
    -Wl,--as-needed -lhs -lmagic -lxml2 -lmodsecurity -Wl,--no-as-needed

ifdef SANITIZE
KIND := native-asan
FLAGS := $(BASE) -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
else
KIND := native
FLAGS := $(BASE) -O2 -D_FORTIFY_SOURCE=2 -fstack-protector-strong
endif
FUZZ_FLAGS := $(BASE) -O1 -fno-omit-frame-pointer \
    -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

NGINX_SRC ?= /usr/share/nginx/src
NGX_FLAGS := -Wno-old-style-cast $(foreach dir,core event event/modules os/unix http http/modules \
    http/v2,-isystem $(NGINX_SRC)/src/$(dir)) -isystem $(OUT)/objs

# nginx's build names an object after its last folder and its file.
module_object = $(OUT)/objs/addon/$(lastword $(subst /, ,$(dir $1)))/$(basename $(notdir $1)).o
OBJECTS := $(foreach source,$(LOGIC),$(call module_object,$(source)))
# What of the module's own can be tried on the stub.
NGX_OBJECTS := $(patsubst %,$(OUT)/objs/addon/%.o,ngx/config ngx/zone core/counter_batch \
    core/leased_job core/script_call core/total_queue)
FUZZ_OBJECTS := $(LOGIC:%.cpp=$(OUT)/native-fuzz/%.o)

.PHONY: guardctl unit fuzz replay bench conformance print-flags module-objects
.SECONDARY:

guardctl: $(OUT)/guardctl $(OUT)/guardctl-inspect
unit: $(UNITS:%=$(OUT)/$(KIND)/unit/%) $(NGX_UNITS:%=$(OUT)/$(KIND)/unit/ngx_%)
fuzz: $(FUZZERS:%=$(OUT)/fuzz/%)
# The fuzz targets without libFuzzer, which run the inputs that they are given.
replay: $(FUZZERS:%=$(OUT)/$(KIND)/fuzz/%)
bench: $(BENCHES:%=$(OUT)/$(KIND)/bench/%)
conformance: $(CONFORMANCE:%=$(OUT)/$(KIND)/conformance/%)

# For scripts/lint.
print-flags:
	@echo $(filter-out -MMD -MP,$(BASE))

# The parser of YAML is guardctl's alone, and of those tests that try how it is used.
YAML := $(OUT)/guardctl $(OUT)/$(KIND)/unit/yaml_to_json $(OUT)/$(KIND)/fuzz/yaml_convert $(OUT)/fuzz/yaml_convert
$(YAML): LIBS += -lyaml-cpp
$(OUT)/$(KIND)/unit/yaml_to_json $(OUT)/$(KIND)/fuzz/yaml_convert: $(patsubst %,$(OUT)/$(KIND)/src/cli/%.o,yaml_scalar yaml_to_json)
$(OUT)/fuzz/yaml_convert: $(patsubst %,$(OUT)/native-fuzz/src/cli/%.o,yaml_scalar yaml_to_json)

# What reads logs is guardctl's alone, too.
EVENTS := event_lines event_record events_verifier printable
$(OUT)/$(KIND)/unit/events_verifier $(OUT)/$(KIND)/fuzz/events_verify: $(EVENTS:%=$(OUT)/$(KIND)/src/cli/%.o)
$(OUT)/fuzz/events_verify: $(EVENTS:%=$(OUT)/native-fuzz/src/cli/%.o)

# And of nginx's configuration.
CONF := event_lines nginx_conf printable
$(OUT)/$(KIND)/fuzz/nginx_conf: $(CONF:%=$(OUT)/$(KIND)/src/cli/%.o)
$(OUT)/fuzz/nginx_conf: $(CONF:%=$(OUT)/native-fuzz/src/cli/%.o)

# And so is the parser of HTML.
HTML := html_inline
$(OUT)/guardctl $(OUT)/$(KIND)/unit/html_inline: LIBS += -lgumbo
$(OUT)/$(KIND)/unit/html_inline: $(HTML:%=$(OUT)/$(KIND)/src/cli/%.o)

$(OUT)/guardctl: $(CLI:%.cpp=$(OUT)/$(KIND)/%.o) $(OUT)/$(KIND)/logic.a
	$(CXX) $(FLAGS) -o $@ $^ $(LIBS)

$(OUT)/guardctl-inspect: $(INSPECT_CLI:%.cpp=$(OUT)/$(KIND)/%.o) $(OUT)/$(KIND)/logic.a
	$(CXX) $(FLAGS) -o $@ $^ $(LIBS)

# nginx's build knows best which of them are out of date.
module-objects:
	@[ -f $(OUT)/objs/Makefile ] || { echo "scripts/native.mk: no $(OUT)/objs/Makefile: run scripts/build" >&2; exit 1; }
	@$(MAKE) -s -C $(NGINX_SRC) -f $(OUT)/objs/Makefile $(OBJECTS) $(NGX_OBJECTS)

$(OBJECTS) $(NGX_OBJECTS): module-objects
	@:

$(OUT)/$(KIND)/logic.a: $(OBJECTS) src/sources
	rm -f $@ && ar rcs $@ $(OBJECTS)

$(OUT)/native-fuzz/logic.a: $(FUZZ_OBJECTS) src/sources
	rm -f $@ && ar rcs $@ $(FUZZ_OBJECTS)

$(OUT)/$(KIND)/unit/%: $(OUT)/$(KIND)/t/unit/%_test.o $(OUT)/$(KIND)/logic.a
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS) -lcmocka -pthread

# What takes longest to read is read once, as in the module; of the unit tests also what they all have in common.
PRELUDE := -Winvalid-pch -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread -include
$(OUT)/$(KIND)/src/prelude.h: src/prelude.h
	@mkdir -p $(@D)
	cp $< $@

$(OUT)/$(KIND)/t/unit/prelude.h: src/prelude.h t/unit/prelude.h
	@mkdir -p $(@D)
	cat $^ >$@

PRELUDES := $(OUT)/$(KIND)/src/prelude.h.gch $(OUT)/$(KIND)/t/unit/prelude.h.gch
$(PRELUDES): %.gch: %
	$(CXX) $(FLAGS) -x c++-header -o $@ $<

# What is tried is compiled as in the module; the tests themselves run but once.
$(OUT)/$(KIND)/t/unit/%: private FLAGS += -O1
# g++ 12 takes what an empty std::optional holds for read.
$(OUT)/$(KIND)/t/fuzz/%: private FLAGS += -O1 -Wno-maybe-uninitialized

$(OUT)/$(KIND)/src/cli/%.o: src/cli/%.cpp $(OUT)/$(KIND)/src/prelude.h.gch
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) $(PRELUDE) $(OUT)/$(KIND)/src/prelude.h -c -o $@ $<

$(OUT)/$(KIND)/t/unit/%.o: t/unit/%.cpp $(OUT)/$(KIND)/t/unit/prelude.h.gch
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) $(PRELUDE) $(OUT)/$(KIND)/t/unit/prelude.h -c -o $@ $<

$(OUT)/$(KIND)/t/unit/ngx/%.o: private FLAGS += $(NGX_FLAGS)

$(OUT)/$(KIND)/ngx.a: $(NGX_OBJECTS) scripts/native.mk
	rm -f $@ && ar rcs $@ $(NGX_OBJECTS)

$(OUT)/$(KIND)/unit/ngx_%: $(OUT)/$(KIND)/t/unit/ngx/%_test.o \
    $(OUT)/$(KIND)/t/unit/ngx/nginx_stub.o $(OUT)/$(KIND)/ngx.a $(OUT)/$(KIND)/logic.a
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS) -lcmocka

$(OUT)/$(KIND)/bench/%: $(OUT)/$(KIND)/t/bench/%_bench.o $(OUT)/$(KIND)/logic.a
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -o $@ $^ $(LIBS) -pthread

$(OUT)/$(KIND)/conformance/%: $(OUT)/$(KIND)/t/conformance/%.o $(OUT)/$(KIND)/logic.a
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -o $@ $^ $(LIBS)

$(OUT)/fuzz/%: $(OUT)/native-fuzz/t/fuzz/%_fuzz.o $(OUT)/native-fuzz/logic.a
	@mkdir -p $(@D)
	$(CLANGXX) $(FUZZ_FLAGS) -fsanitize=fuzzer -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS)

$(OUT)/$(KIND)/fuzz/%: $(OUT)/$(KIND)/t/fuzz/%_fuzz.o $(OUT)/$(KIND)/t/fuzz/replay.o $(OUT)/$(KIND)/logic.a
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(LIBS)

$(OUT)/$(KIND)/t/fuzz/%.o: t/fuzz/%.cpp $(OUT)/$(KIND)/src/prelude.h.gch
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) $(PRELUDE) $(OUT)/$(KIND)/src/prelude.h -c -o $@ $<

$(OUT)/$(KIND)/%.o: %.cpp
	@mkdir -p $(@D)
	$(CXX) $(FLAGS) -c -o $@ $<

$(OUT)/native-fuzz/%.o: %.cpp
	@mkdir -p $(@D)
	$(CLANGXX) $(FUZZ_FLAGS) -c -o $@ $<

-include $(shell find $(OUT)/native $(OUT)/native-asan $(OUT)/native-fuzz -name '*.d' 2>/dev/null)
