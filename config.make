# Our objects are C++20; the rest of nginx's build is untouched. They keep their symbols to themselves, but for core and ngx:
# those are for ngx_http_guard_inspect_module.so, too, as far as src/exports.map has them.
# What takes longest to read of what most sources include is read once. None may rely on it: scripts/lint does without.
# g++ 12 forgets there where the standard library has switched warnings off, and would warn of std::string's own code.
guard_prelude=$NGX_OBJS/prelude/prelude.h
guard_prelude_flags="-include $guard_prelude -Wno-array-bounds -Wno-restrict -Wno-stringop-overflow -Wno-stringop-overread"
# -MMD: an object is made anew when a header that it includes has changed, and only then. -g1: traces name functions and
# lines; what else -g has costs a fifth of the compiler's time (GUARD_CXXFLAGS=-g brings it back).
for guard_dir in $(awk '!/^#/ && $1 !~ /cli$/ { print $2 }' "$ngx_addon_dir/src/sources" | xargs -n1 dirname | sort -u |
    xargs -n1 basename); do
    case $guard_dir in
        core | ngx) guard_visibility="-fno-semantic-interposition -fno-gnu-unique" ;;
        *) guard_visibility=-fvisibility=hidden ;;
    esac
    cat << END                                                    >> $NGX_MAKEFILE

$NGX_OBJS/addon/$guard_dir/%.o: private CFLAGS += -std=c++20 -O2 $guard_visibility -Wextra -g1 $guard_prelude_flags -MMD -MP $GUARD_CXXFLAGS
-include \$(wildcard $NGX_OBJS/addon/$guard_dir/*.d)
END
done

guard_objects=$(awk -v objs="$NGX_OBJS/addon/" '!/^#/ && $1 !~ /cli$/ { n = split($2, part, "/"); sub(/\.cpp$/, ".o", part[n])
    print objs part[n - 1] "/" part[n] }' "$ngx_addon_dir/src/sources" | xargs)
cat << END                                                        >> $NGX_MAKEFILE

$guard_objects: $guard_prelude.gch
$guard_prelude.gch: $ngx_addon_dir/src/prelude.h
	mkdir -p \$(@D)
	cp $ngx_addon_dir/src/prelude.h $guard_prelude
	\$(CC) -fPIC \$(CFLAGS) -std=c++20 -O2 -Wextra -g1 $GUARD_CXXFLAGS -x c++-header -o \$@ $guard_prelude
END

# The page of guard_dashboard, with uPlot if scripts/build has got it.
guard_modules_of_page=$ngx_addon_dir/build/dashboard/node_modules
cat << END                                                        >> $NGX_MAKEFILE

$NGX_OBJS/addon/dashboard/dashboard_module.o: $NGX_OBJS/guard_dashboard_files.h
$NGX_OBJS/guard_dashboard_files.h: $ngx_addon_dir/scripts/embed $ngx_addon_dir/src/dashboard/page.html \\
	$ngx_addon_dir/src/dashboard/page.css $ngx_addon_dir/src/dashboard/page.js \\
	\$(wildcard $ngx_addon_dir/build/dashboard/installed.json)
	$ngx_addon_dir/scripts/embed \$@ $guard_modules_of_page
END

# The version of what core exports: the product's, and a hash of all that the second file could have compiled in.
cat << END                                                        >> $NGX_MAKEFILE

GUARD_HEADERS = \$(wildcard $ngx_addon_dir/src/core/*.h $ngx_addon_dir/src/ngx/*.h $ngx_addon_dir/src/redis/*.h)
$NGX_OBJS/guard_exports.map: $ngx_addon_dir/src/exports.map \$(GUARD_HEADERS)
	version=\$\$(sed -n 's/.*kVersion = "\\(.*\\)".*/\\1/p' $ngx_addon_dir/src/core/version.h) && \\
	    hash=\$\$(cat \$(GUARD_HEADERS) | sha256sum | cut -c 1-12) && \\
	    sed "s/@BUILD@/\$\${version}_\$\$hash/" $ngx_addon_dir/src/exports.map > \$@

$NGX_OBJS/ngx_http_guard_module.so $NGX_OBJS/ngx_http_guard_test_module.so: $NGX_OBJS/guard_exports.map
$NGX_OBJS/ngx_http_guard_inspect_module.so: $NGX_OBJS/ngx_http_guard_module.so $ngx_addon_dir/src/inspect_exports.map
END
