# SPDX-License-Identifier: LGPL-2.1-or-later
# Completion of vps-backupctl(8) for bash. Names and ids come from the service, if it answers.

_vps_backupctl_names ()
{
  vps-backupctl list 2>/dev/null | awk 'NR > 1 { print $1 }'
}

_vps_backupctl_backups ()
{
  vps-backupctl --json show "$1" 2>/dev/null | grep -o '"backups":\[.*' | grep -o '"id":"[0-9a-f-]*","name"' | cut -d '"' -f 4
  echo latest
}

_vps_backupctl ()
{
  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} command='' position=0 vps='' i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case ${COMP_WORDS[i]} in
      -*) ;;
      *)
        case $position in 0) command=${COMP_WORDS[i]} ;; 1) vps=${COMP_WORDS[i]} ;; esac
        ((position++))
        ;;
    esac
  done

  local words=''
  case $before in
    --config | --to | --pool | --into | --keys | --key-file | --socket)
      mapfile -t COMPREPLY < <(compgen -f -- "$word")
      compopt -o filenames 2>/dev/null
      return
      ;;
  esac
  case $word in
    -*)
      words='--help --socket --json'
      case $command in
        create) words+=' --name --wait --request-key' ;;
        restore) words+=' --wait --yes --stop-first --backup-first --replace-disks --from' ;;
        download) words+=' --disk --to' ;;
        undo) words+=' --discard --wait --yes' ;;
        log|activity) words+=' --limit' ;;
        schedule) words+=' --id --at --days --every --calendar --keep --keep-daily --keep-weekly --keep-monthly --jitter --zone --off' ;;
        token) words+=' --vps --perms --ttl --sub --keys --key-file --config' ;;
        recover) words+=' --into --as --pool --config --no-define' ;;
        doctor|forget) words+=' --config' ;;
        '') words+=' --version' ;;
      esac
      ;;
    *)
      case $command,$position in
        ,0) words='list show create restore undo delete rename protect verify download cancel slots schedule watch log activity rpc token pool doctor forget recover' ;;
        protect,3) words='off' ;;
        schedule,2) words='list set preview remove' ;;
        pool,1) words='init list check' ;;
        pool,2)
          mapfile -t COMPREPLY < <(compgen -d -- "$word")
          compopt -o filenames 2>/dev/null
          return
          ;;
        show,1 | create,1 | restore,1 | undo,1 | delete,1 | rename,1 | protect,1 | verify,1 | download,1 | cancel,1 | slots,1 | schedule,1 | watch,1 | log,1 | activity,1)
          words=$(_vps_backupctl_names) ;;
        restore,2 | delete,2 | rename,2 | protect,2 | verify,2 | download,2) words=$(_vps_backupctl_backups "$vps") ;;
      esac
      ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}

complete -F _vps_backupctl vps-backupctl
