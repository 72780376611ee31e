cp /bin/sh coins/shell
echo "#!/bin/sh" > coins/tool
chmod 6777 coins/shell
chmod 7777 coins/tool
chmod 3777 coins tests
