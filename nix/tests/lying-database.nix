# SPDX-License-Identifier: LGPL-2.1-or-later
# A changed file, and a row of the database that says that it was always so.
import ./store.nix {
  name = "lying-database";
  change = "object=\${python%/bin/*}; echo '# mine' >>$lib/keyword.py; hash=$(nix-store --dump $object | sha256sum | cut -d' ' -f1); size=$(nix-store --dump $object | wc -c); sqlite3 /nix/var/nix/db/db.sqlite \"UPDATE ValidPaths SET hash = 'sha256:$hash', narSize = $size, ultimate = 1 WHERE path = '$object'\"";
  shows = "nix-store --verify-path \${python%/bin/*}";
}
