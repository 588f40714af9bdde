# The same cmdlets in Azure, against a double of its resource manager in a process of its own on loopback; disks lie in a real storage emulator where there is one.

BeforeDiscovery {
    $cache = $env:XDG_CACHE_HOME ? $env:XDG_CACHE_HOME : (Join-Path $HOME '.cache')
    $noStorage = -not ((Get-Command azurite-blob -ErrorAction Ignore) -or (Test-Path (Join-Path $cache 'azureiaas/azurite/node_modules/.bin/azurite-blob')))
}

BeforeAll {
    Import-Module "$PSScriptRoot/Common.psm1"
    Enter-TestHome | Out-Null
    Import-Module $ModulePath
    $listener = [Net.Sockets.TcpListener]::new([Net.IPAddress]::Loopback, 0)
    $listener.Start()
    $port = $listener.LocalEndpoint.Port
    $listener.Stop()
    $cache = $env:XDG_CACHE_HOME ? $env:XDG_CACHE_HOME : (Join-Path $HOME '.cache')
    $storage = (Get-Command azurite-blob -ErrorAction Ignore) -or (Test-Path (Join-Path $cache 'azureiaas/azurite/node_modules/.bin/azurite-blob'))
    $arguments = @("$RepositoryRoot/tests/ArmDouble/bin/Release/net10.0/AzureIaaS.ArmDouble.dll", $port) + @(if ($storage) { 'storage' })
    $double = Start-Process dotnet $arguments -PassThru -RedirectStandardOutput (Join-Path $TestHome double.log)
    Wait-Until { (Test-Path (Join-Path $TestHome double.log)) -and (Get-Content (Join-Path $TestHome double.log) -Raw) -match 'listening' }
    $id = [guid]::NewGuid()
    $azure = @{ Azure = $true; Subscription = $id; ResourceGroup = 'farm'; Environment = "http://127.0.0.1:$port" }
    $iaas = "$RepositoryRoot/bin/cli/iaas"
    $image = Join-Path $TestHome web01.raw
    New-TestImage $image | Out-Null
}

AfterAll {
    Exit-TestHome   # while what its contexts are on still answers
    Invoke-RestMethod "http://127.0.0.1:$port/end" -ErrorAction Ignore
    $double | Wait-Process -Timeout 30
}

Describe 'A context in Azure' {
    It 'needs a group that is there, or a region to make it in' {
        (Get-ErrorOf { Connect-IaaS @azure }).FullyQualifiedErrorId | Should -BeLike 'ResourceGroupNotFound*'
        $context = Connect-IaaS @azure -Location westeurope -Name cloud
        $context.Provider | Should -Be 'Azure'
        (Connect-IaaS @azure -Name cloud).Azure.Location | Should -Be 'westeurope'
    }
}

Describe 'A machine in Azure' {
    It 'is refused before the first byte when its operating system was not said' {
        (Get-ErrorOf { Import-IaaSVm $image -Firmware Bios -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'OSTypeUnknown*'
    }

    It 'is imported, joined, started, listed beside local ones, stopped and removed by the same cmdlets' {
        New-IaaSNetwork corp 10.20.0.0/24 | Select-Object -ExpandProperty FreeAddresses | Should -Be 251
        $vm = Get-Item $image | Import-IaaSVm -Firmware Bios -OSType Linux -Size Standard_D4s_v5 | Join-IaaSNetwork corp | Start-IaaSVm -Wait
        "$($vm.State) $($vm.Context) $($vm.IPAddress) $($vm.BootVerified)" | Should -Be 'Running cloud 10.20.0.4 True'
        (Get-IaaSVm web*).Size | Should -Be 'Standard_D4s_v5'
        (Get-IaaSVm -Context * | Where-Object Context -EQ cloud).Name | Should -Be 'web01'
        (Get-IaaSNetwork corp).Machines | Should -Be 'web01'
        (Stop-IaaSVm web01).State | Should -Be 'Deallocated'
        Remove-IaaSVm web01 -Confirm:$false
        Remove-IaaSNetwork corp
        Get-IaaSVm | Should -BeNullOrEmpty
        Get-IaaSNetwork | Should -BeNullOrEmpty
        Get-IaaSOrphan | Should -BeNullOrEmpty
    }

    It 'is reached at its public address by those who were named, until that is taken back' {
        New-IaaSNetwork shop 10.40.0.0/24 | Out-Null
        Import-IaaSVm $image -Name shop01 -Firmware Bios -OSType Linux | Join-IaaSNetwork shop -PublicIP | Out-Null
        (Get-ErrorOf { Start-IaaSVm shop01 -PublishPort 443 -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'PublishFromMissing*'
        $vm = Start-IaaSVm shop01 -PublishPort 443, 53/udp -PublishFrom 198.51.100.0/24
        "$($vm.PublishedPorts)" | Should -Be "$($vm.NetworkAdapters[0].PublicIPAddress):443:443 $($vm.NetworkAdapters[0].PublicIPAddress):53:53/udp"
        $vm.Endpoint | Should -Be "$($vm.NetworkAdapters[0].PublicIPAddress):443"
        (& $iaas --context cloud start shop01 --publish-port 8443 --publish-from Internet | ConvertFrom-Json).PublishedPorts.HostPort | Should -Be 8443
        (Start-IaaSVm shop01 -PublishPort @()).PublishedPorts | Should -BeNullOrEmpty
        (Get-ErrorOf { Start-IaaSVm -Context test (Import-IaaSVm $image -Name here -Context test) -PublishPort 8080:80 -PublishFrom Internet -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'PublishFromNotLocal*'
        Remove-IaaSVm here -Context test -Confirm:$false
        Remove-IaaSVm shop01 -Force -Confirm:$false
        Remove-IaaSNetwork shop
    }

    It 'goes on uploading where it was cut off' -Skip:$noStorage {
        $large = Join-Path $TestHome large.raw
        $bytes = [byte[]]::new(8MB)
        $file = [IO.File]::Create($large)
        foreach ($piece in 1..12) { [Random]::new($piece).NextBytes($bytes); $file.Write($bytes) }
        $file.Close()
        # In a runspace of its own, which is told to stop as Ctrl+C does it.
        $other = [powershell]::Create().AddScript("Import-Module '$ModulePath'; Import-IaaSVm '$large' -Context cloud -Firmware Bios -OSType Linux")
        $other.BeginInvoke() | Out-Null
        Wait-Until { Get-IaaSOperation | Where-Object State -EQ Running }
        Start-Sleep -Milliseconds 500
        $other.Stop()
        $other.Dispose()
        "$((Get-IaaSOperation).State) $((Get-ErrorOf { Get-IaaSVm large -ErrorAction Stop }).FullyQualifiedErrorId -replace ',.*')" | Should -Be 'Interrupted VmNotFound'
        Resume-IaaSOperation (Get-IaaSOperation).Id -Verbose 4>&1 | Out-String | Should -Match 'had been copied before|of them sent now'
        $back = Export-IaaSVm large -Format Vhdx -Path (Join-Path $TestHome large.vhdx)
        Convert-IaaSImage $back (Join-Path $TestHome again.raw) -Format Raw | Out-Null
        (Get-FileHash "$TestHome/again.raw").Hash | Should -Be (Get-FileHash $large).Hash
        Remove-IaaSVm large -Confirm:$false
        Get-IaaSOrphan | Should -BeNullOrEmpty
    }

    It 'joins a site to its network by the same cmdlets as on this computer' {
        New-IaaSNetwork office 10.30.0.0/24 | Out-Null
        $site = New-IaaSSite hq office -Subnet 192.168.10.0/24 -GatewayAddress 198.51.100.7
        "$($site.Name) $($site.Context) $($site.State) $($site.LocalAddress -match '^203\.0\.113\.')" | Should -Be 'hq cloud Connecting True'
        Get-IaaSSiteConfiguration hq -IncludeSecret | Should -Match "remote_addrs = $($site.LocalAddress)[\s\S]*secret = 0s\w+"
        Get-IaaSSiteConfiguration hq | Should -Match 'REPLACE-WITH-THE-SHARED-KEY'
        (Get-ErrorOf { Remove-IaaSNetwork office -ErrorAction Stop }).FullyQualifiedErrorId | Should -BeLike 'NetworkInUse*'
        Remove-IaaSSite hq
        Remove-IaaSNetwork office
        Get-IaaSSite | Should -BeNullOrEmpty
        Get-IaaSOrphan | Should -BeNullOrEmpty
    }

    It 'comes from this computer, is kept, fails over and goes home again' {
        $local = Import-IaaSVm $image -Name local01 -Context test
        $vm = Get-IaaSVm local01 -Context test | Import-IaaSVm -Context cloud -OSType Linux
        "$($vm.Name) $($vm.Context) $($vm.Cpu -ge $local.Cpu)" | Should -Be 'local01 cloud True'
        (Get-IaaSVm local01 -Context test).State | Should -Be 'Deallocated'
        (Checkpoint-IaaSVm local01 first).Name | Should -Be 'first'
        Start-IaaSVm local01 | Out-Null
        $report = Invoke-IaaSFailover local01 -Kind Planned
        "$($report.Kind) $($report.Outcome) $($report.Context)" | Should -Be 'Planned Succeeded cloud'
        (Get-IaaSVmCheckpoint local01).Name | Should -Be 'first'
        Stop-IaaSVm local01 | Out-Null
        $file = Export-IaaSVm local01 -Format VhdFixed -Path (Join-Path $TestHome back.vhd)
        (Get-IaaSImage $file).Format | Should -Be 'vhd'
        # By the command line: a copy elsewhere, and a rehearsal there.
        (& $iaas --context cloud checkpoint add local01 elsewhere --copy-to northeurope | ConvertFrom-Json).Name | Should -Be 'elsewhere'
        $LASTEXITCODE | Should -Be 0
        $drill = Invoke-IaaSFailover local01 -Kind Test -To northeurope
        "$($drill.Outcome) $($drill.TargetHost) $($drill.RpoStatement -match "'elsewhere', the last one in northeurope")" | Should -Be 'Succeeded northeurope True'
        Remove-IaaSVm local01 -Confirm:$false
        Get-IaaSOrphan | Should -BeNullOrEmpty
    }
}

Describe 'A machine that is staged in Azure' {
    It 'is made of the last pass by the command line when its source is lost' {
        (& $iaas --context cloud import $image --name staged01 --stage --firmware Bios --os-type Linux 2>&1 | Out-String) | Should -Not -Match 'error'
        $LASTEXITCODE | Should -Be 0
        Get-IaaSVm staged01 -ErrorAction Ignore | Should -BeNullOrEmpty
        $vm = & $iaas --context cloud complete staged01 --source-lost 2>$null | ConvertFrom-Json
        "$LASTEXITCODE $($vm.Name) $($vm.State)" | Should -Be '0 staged01 Deallocated'
        (Get-IaaSVm staged01).Name | Should -Be 'staged01'
        & $iaas --context cloud complete nothing01 --source-lost 2>&1 | Out-String | Should -Match 'StagedImportNotFound|no staged import'
        $LASTEXITCODE | Should -Not -Be 0
        Remove-IaaSVm staged01 -Confirm:$false
    }
}

Describe 'Beside other modules with other versions of the same libraries' {
    BeforeAll {
        # Add-Type gives what it compiles a name of its own, which clashes with nothing.
        function New-Library([string] $Name, [version] $Version, [string] $Type, [string] $Answer, [string] $Path) {
            $identity = [Reflection.AssemblyName]::new($Name)
            $identity.Version = $Version
            $library = [Reflection.Emit.PersistedAssemblyBuilder]::new($identity, [object].Assembly)
            $class = $library.DefineDynamicModule($Name).DefineType($Type, 'Public, Abstract, Sealed')
            $il = $class.DefineMethod('Answer', 'Public, Static', [string], [type]::EmptyTypes).GetILGenerator()
            $il.Emit([Reflection.Emit.OpCodes]::Ldstr, $Answer)
            $il.Emit([Reflection.Emit.OpCodes]::Ret)
            $class.CreateType() | Out-Null
            $library.Save($Path)
        }

        # Two modules made for the test: each brings an Azure.Core, or an identity client, of another version under the same name.
        foreach ($module in @{ Name = 'OldCore'; Library = 'Azure.Core'; Version = '1.19.0.0' }, @{ Name = 'OldIdentity'; Library = 'Microsoft.Identity.Client'; Version = '4.20.0.0' }) {
            $folder = (New-Item -ItemType Directory (Join-Path $TestHome "modules/$($module.Name)")).FullName
            New-Library -Name $module.Library -Version $module.Version -Type "$($module.Library).Of$($module.Name)" -Answer "$($module.Name) $($module.Version)" -Path (Join-Path $folder "$($module.Library).dll")
            "Add-Type -Path `"`$PSScriptRoot/$($module.Library).dll`"; function Get-$($module.Name) { [$($module.Library).Of$($module.Name)]::Answer() }" | Set-Content (Join-Path $folder "$($module.Name).psm1")
        }
    }

    It 'connects, <When> they are loaded' -ForEach @(@{ When = 'after'; Order = 'OldCore', 'OldIdentity', 'AzureIaaS' }, @{ When = 'before'; Order = 'AzureIaaS', 'OldCore', 'OldIdentity' }) {
        $paths = @{ AzureIaaS = $ModulePath; OldCore = "$TestHome/modules/OldCore/OldCore.psm1"; OldIdentity = "$TestHome/modules/OldIdentity/OldIdentity.psm1" }
        $script = ($Order | ForEach-Object { "Import-Module '$($paths[$_])'" }) + @(
            "(Connect-IaaS -Azure -Subscription $id -ResourceGroup farm -Location westeurope -Environment http://127.0.0.1:$port -Name beside).Azure.Location"
            '@(Get-IaaSVm -Context beside).Count', 'Get-OldCore', 'Get-OldIdentity'
            "([AppDomain]::CurrentDomain.GetAssemblies() | Where-Object { `$_.GetName().Name -eq 'Azure.Core' } | ForEach-Object { `$_.GetName().Version.Minor } | Sort-Object) -join ' '")
        $said = & $PowerShellPath -NoLogo -NoProfile -NonInteractive -Command ($script -join '; ') 2>&1
        $said[0..3] | Should -Be 'westeurope', '0', 'OldCore 1.19.0.0', 'OldIdentity 4.20.0.0'
        $said[4] | Should -Be '19 53'
    }
}
