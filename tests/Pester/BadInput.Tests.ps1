# What goes wrong: one clear error with what to do, the record it deserves, and nothing left behind.

BeforeDiscovery {
    Import-Module "$PSScriptRoot/Common.psm1"
    $canMount = Test-Mount
    $canLock = $IsLinux -and -not (Test-Root)
}

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    $fabric = (Enter-TestHome).Path
    $bad = New-Item -ItemType Directory (Join-Path $TestHome bad)
    $guest = New-TestImage (Join-Path $TestHome good.raw)

    # An error of an import: its id and category, the file as its target, a sentence each for what and what to do.
    function Assert-Refused {
        param([string]$Path, [string]$Id, [string]$Category, [string]$Says, [string]$Remedy)
        foreach ($whatIf in $false, $true) {
            $failure = Get-ErrorOf { Import-IaaSVm -LiteralPath $Path -Name refused -WhatIf:$whatIf -ErrorAction Stop }
            $failure.FullyQualifiedErrorId | Should -Be "$Id,AzureIaaS.PowerShell.Commands.ImportVmCommand"
            $failure.CategoryInfo.Category | Should -Be $Category
            $failure.TargetObject | Should -Be $Path
            $failure.ToString() | Should -Match ([regex]::Escape($Path))
            $failure.ToString() | Should -Match $Says
            $failure.ErrorDetails.RecommendedAction | Should -Match $Remedy
            $failure.Exception | Should -BeOfType AzureIaaS.IaaSException
        }
        Assert-NothingLeft
    }

    function Assert-NothingLeft {
        Get-IaaSVm | Should -BeNullOrEmpty
        Get-IaaSOperation | Should -BeNullOrEmpty
        Get-Leftover $fabric | Should -BeNullOrEmpty
        Get-TestProcess $fabric | Should -BeNullOrEmpty
    }
}

AfterAll { Exit-TestHome }

Describe 'An import of' {
    It 'a file that is not there' { Assert-Refused (Join-Path $bad none.vmdk) DiskImageUnreadable ObjectNotFound 'there is no such file' 'Check the path' }

    It 'a folder' { Assert-Refused "$bad" NoDescription ObjectNotFound 'there is no description of a machine in this folder' 'Name the disk image itself' }

    It 'an empty file' {
        $file = New-Item (Join-Path $bad empty.vhdx)
        Assert-Refused "$file" DiskImageUnreadable ObjectNotFound 'the file is empty' 'Copy or export the image again'
    }

    It 'a text file called .<_>' -ForEach 'vmdk', 'vhdx', 'qcow2' {
        $file = Join-Path $bad "notes.$_"
        'Remember to buy disks. ' * 300 | Set-Content $file
        Assert-Refused $file DiskImageUnrecognised InvalidData "is called .$_ but does not have the signature" 'Look at what the file really is'
    }

    It 'a text file called .txt' {
        $file = Join-Path $bad notes.txt
        'Remember to buy disks. ' * 300 | Set-Content $file
        Assert-Refused $file DiskImageUnrecognised InvalidData 'no disk image that is known' '-Format Raw'
    }

    It 'an image that ends too early' {
        $file = Join-Path $bad short.qcow2
        $bytes = [IO.File]::ReadAllBytes((New-SlowImage (Join-Path $bad whole.qcow2)))
        [IO.File]::WriteAllBytes($file, $bytes[0..1023])
        Assert-Refused $file DiskImageTruncated InvalidData 'at byte' 'Copy the image again'
    }

    It 'a raw disk that ends before its partition does' {
        $file = Join-Path $bad cut.raw
        [IO.File]::WriteAllBytes($file, [IO.File]::ReadAllBytes($guest)[0..(256KB - 1)])
        Assert-Refused $file DiskImageTruncated InvalidData 'cut.raw' 'Copy the image again'
    }

    It 'a qcow2 that wants another file' {
        $file = Join-Path $bad backed.qcow2
        $bytes = [IO.File]::ReadAllBytes((New-SlowImage $file))
        $name = [Text.Encoding]::ASCII.GetBytes('/etc/passwd')
        ($bytes[15], $bytes[19]) = (0x80, $name.Length)
        $name.CopyTo($bytes, 0x80)
        [IO.File]::WriteAllBytes($file, $bytes)
        Assert-Refused $file DiskImageReferenceOutsideRoot PermissionDenied "backing file '/etc/passwd' lies outside" '-AllowExternalReference'
    }

    It 'a VMDK whose extent lies outside its folder' {
        $file = (New-TestVmdk (Join-Path $bad climber.vmdk)).FullName
        (Get-Content $file -Raw).Replace('extents/climber-flat.img', '../good.raw') | Set-Content $file
        Assert-Refused $file DiskImageReferenceOutsideRoot PermissionDenied 'outside' 'put all its files into one folder'
        (Import-IaaSVm $file -Root $TestHome).Name | Should -Be 'climber'
        Remove-IaaSVm climber -Confirm:$false
    }

    It 'a VMDK whose extent is missing' {
        $file = (New-TestVmdk (Join-Path $bad half.vmdk)).FullName
        Remove-Item (Join-Path $bad extents/half-flat.img)
        Assert-Refused $file DiskImageMissingReference ObjectNotFound 'half-flat.img' 'Put the missing file beside'
    }

    It 'a format that is only recognised' {
        $file = Join-Path $bad image.iso
        $bytes = [byte[]]::new(64KB)
        [Text.Encoding]::ASCII.GetBytes('CD001').CopyTo($bytes, 0x8001)
        [IO.File]::WriteAllBytes($file, $bytes)
        Assert-Refused $file DiskImageUnsupportedFormat NotImplemented 'this is' '.'
    }

    It 'a file that may not be read' -Skip:(-not $canLock) {
        $file = (New-TestImage (Join-Path $bad secret.raw)).FullName
        chmod 000 $file
        Assert-Refused $file DiskImageUnreadable ObjectNotFound 'cannot be opened for reading' 'permissions'
    }
}

Describe 'A fabric' {
    AfterEach { Connect-IaaS -Path $fabric -Hypervisor Simulated -Name test | Out-Null }

    It 'whose database is damaged is said to be, by every cmdlet; its disks are as they were' {
        $path = (New-TestFabric (Join-Path $TestHome damaged) -Name damaged).Path
        Import-IaaSVm $guest.FullName | Out-Null
        'no database at all, however long one looks at it' * 200 | Set-Content (Join-Path $path fabric.db)
        foreach ($command in { Get-IaaSVm -ErrorAction Stop }, { Start-IaaSVm good -ErrorAction Stop }, { Get-IaaSOperation -ErrorAction Stop },
            { Import-IaaSVm $guest.FullName -Name other -ErrorAction Stop }, { Connect-IaaS -Path $path -Hypervisor Simulated -Name damaged }) {
            $failure = Get-ErrorOf $command
            $failure.FullyQualifiedErrorId | Should -BeLike 'StateCorrupt,*'
            $failure.CategoryInfo.Category | Should -Be InvalidData
            $failure.TargetObject | Should -Be (Join-Path $path fabric.db)
            $failure.ErrorDetails.RecommendedAction | Should -Match 'Restore the file from a backup'
        }
        (Get-ChildItem (Join-Path $path machines) -Recurse -Filter disk0.raw | Get-FileHash).Hash | Should -Be (Get-FileHash $guest).Hash
        Disconnect-IaaS damaged | Out-Null
    }

    It 'of a newer version is left alone' {
        $path = (New-TestFabric (Join-Path $TestHome newer) -Name newer).Path
        $database = Join-Path $path fabric.db
        $bytes = [IO.File]::ReadAllBytes($database)
        $bytes[63] = 99   # user_version
        [IO.File]::WriteAllBytes($database, $bytes)
        $failure = Get-ErrorOf { Get-IaaSVm -ErrorAction Stop }
        $failure.FullyQualifiedErrorId | Should -BeLike 'StateOfNewerVersion,*'
        $failure.ErrorDetails.RecommendedAction | Should -Match 'Use that version'
        Disconnect-IaaS newer | Out-Null
    }

    It 'that may not be written is refused, with what to do' -Skip:(-not $canLock) {
        $path = (New-TestFabric (Join-Path $TestHome locked) -Name locked).Path
        chmod -R a-w $path
        try {
            foreach ($command in { Get-IaaSVm -ErrorAction Stop }, { Import-IaaSVm $guest.FullName -ErrorAction Stop }) {
                $failure = Get-ErrorOf $command
                $failure.CategoryInfo.Category | Should -Be PermissionDenied
                $failure.ErrorDetails.RecommendedAction | Should -Match 'writable'
            }
        }
        finally { chmod -R u+w $path }
        Disconnect-IaaS locked | Out-Null
    }

    Context 'on a small disk' -Skip:(-not $canMount) {
        BeforeAll {
            $small = (New-Item -ItemType Directory (Join-Path $TestHome small)).FullName
            mount -t tmpfs -o 'size=8m,mode=700' tmpfs $small
            New-TestFabric (Join-Path $small fabric) -Name small | Out-Null
        }

        AfterAll {
            Get-IaaSVm -Context small | Remove-IaaSVm -Force -Confirm:$false
            Disconnect-IaaS small | Out-Null
            umount -l $small
        }

        BeforeEach { Connect-IaaS -Path (Join-Path $small fabric) -Hypervisor Simulated -Name small | Out-Null }

        It 'is not begun to be filled by what does not fit' {
            $file = Join-Path $TestHome large.raw
            $bytes = [byte[]]::new(16MB)
            [Random]::new(1).NextBytes($bytes)
            [IO.File]::WriteAllBytes($file, $bytes)
            $failure = Get-ErrorOf { Import-IaaSVm $file -Format Raw -ErrorAction Stop -WarningAction Ignore }
            $failure.FullyQualifiedErrorId | Should -BeLike 'NotEnoughSpace,*'
            $failure.CategoryInfo.Category | Should -Be LimitsExceeded
            $failure.ToString() | Should -Match 'needs 18 MB'
            $failure.ErrorDetails.RecommendedAction | Should -Match 'Make room'
            Get-IaaSVm | Should -BeNullOrEmpty
            Get-IaaSOperation -All | Should -BeNullOrEmpty
            Get-Leftover | Should -BeNullOrEmpty
        }

        It 'that is full still lists its machines, says what is wrong, and works when there is room' {
            Import-IaaSVm $guest.FullName | Out-Null
            $filler = Join-Path $small filler
            dd if=/dev/zero "of=$filler" bs=4k 2>$null
            try {
                (Get-IaaSVm -ErrorAction Stop).State | Should -Be Deallocated
                $failure = Get-ErrorOf { Import-IaaSVm $guest.FullName -Name other -ErrorAction Stop }
                $failure.Exception | Should -BeOfType AzureIaaS.IaaSException
                $failure.CategoryInfo.Category | Should -Be LimitsExceeded
                $failure.ErrorDetails.RecommendedAction | Should -Match 'Make room'
                # Whether a reserve lets it start or not, what it says of itself is true.
                $started = Start-IaaSVm good -ErrorAction SilentlyContinue
                (Get-IaaSVm -ErrorAction Stop).State | Should -Be ($started ? 'Running' : 'Deallocated')
            }
            finally { Remove-Item $filler }
            (Start-IaaSVm good | Stop-IaaSVm).State | Should -Be Deallocated
        }
    }

    It 'on a disk that became read-only is refused, with what to do' -Skip:(-not $canMount) {
        $frozen = (New-Item -ItemType Directory (Join-Path $TestHome frozen)).FullName
        mount -t tmpfs -o 'size=8m,mode=700' tmpfs $frozen
        try {
            $path = (New-TestFabric (Join-Path $frozen fabric) -Name frozen -Watched).Path
            Import-IaaSVm $guest.FullName | Out-Null
            mount -o 'remount,ro' $frozen
            foreach ($command in { Import-IaaSVm $guest.FullName -Name other -ErrorAction Stop }, { Start-IaaSVm good -ErrorAction Stop },
                { Connect-IaaS -Path $path -Hypervisor Simulated -Name frozen }) {
                $failure = Get-ErrorOf $command
                $failure.Exception | Should -BeOfType AzureIaaS.IaaSException
                $failure.CategoryInfo.Category | Should -Be PermissionDenied
                $failure.ErrorDetails.RecommendedAction | Should -Match 'writable'
            }
            mount -o 'remount,rw' $frozen
            (Get-IaaSVm).Name | Should -Be 'good'
            Disconnect-IaaS frozen | Out-Null
        }
        finally { umount -l $frozen }
    }
}

Describe 'Every error' {
    It 'has an id of its own and words to act on, whichever it is' {
        # What the tests above have met, and the rest from the source: an id is used for one thing in one category.
        $source = Get-ChildItem (Join-Path $RepositoryRoot src) -Recurse -Filter *.cs | Get-Content -Raw
        $uses = [regex]::Matches(($source -join "`n"), 'new IaaSException\(\s*ErrorKind\.(\w+),\s*"(\w+)"|new\(ErrorKind\.(\w+),\s*"(\w+)"') | ForEach-Object {
            [pscustomobject]@{ Kind = $_.Groups[1].Value + $_.Groups[3].Value; Id = $_.Groups[2].Value + $_.Groups[4].Value }
        }
        $uses.Count | Should -BeGreaterThan 30
        foreach ($id in $uses | Group-Object Id) {
            @($id.Group.Kind | Sort-Object -Unique).Count | Should -Be 1 -Because $id.Name
            $id.Name | Should -MatchExactly '^[A-Z][A-Za-z0-9]+$'
        }
    }
}
